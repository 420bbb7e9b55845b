"""The look that the gateway's pages and the Back Office share: base layout, style sheet, languages, shared words.

Not a service. Only `blueprint` knows Flask; everything else is plain data and pure functions.
"""

from services.look.blueprint import blueprint

__all__ = ["blueprint"]

"""The look that the gateway's pages and the Back Office share: base layout, style sheet, languages, shared words.

Not a service. Only `flask_blueprint` knows Flask; everything else is plain data and pure functions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Blueprint


def blueprint() -> Blueprint:
    """Templates `look/…` and files below `/look/`. Register it once, in the application or in another blueprint."""
    # Services speak the six languages too, in their mail, and have no use for Flask.
    from services.look import flask_blueprint

    return flask_blueprint.blueprint()

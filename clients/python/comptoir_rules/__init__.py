"""The rules of one payment, from what its shop says and what the transaction says itself (SH7 to SH10).

Nothing here does I/O or asks for the time: the same facts always give the same rules.
"""

from comptoir_rules.answers import Answer, Instalment, Moment, Rules, Violation
from comptoir_rules.facts import BadFact, Settings, Source, Transaction, ValidationMode
from comptoir_rules.reasons import Origin, Reason
from comptoir_rules.resolve import resolve

__all__ = [
    "Answer",
    "BadFact",
    "Instalment",
    "Moment",
    "Origin",
    "Reason",
    "Rules",
    "Settings",
    "Source",
    "Transaction",
    "ValidationMode",
    "Violation",
    "resolve",
]

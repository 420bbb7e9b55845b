"""What the services of a payment platform need of Comptoir: settings, payment rules, signatures."""

from comptoir_client.channel import Credentials
from comptoir_client.client import Addresses, Comptoir
from comptoir_client.companies import Company
from comptoir_client.copies import Change, Renewed, State
from comptoir_client.errors import (
    ComptoirError,
    Denied,
    Exhausted,
    Internal,
    Invalid,
    NotFound,
    Precondition,
    TimedOut,
    Unavailable,
    Violation,
)
from comptoir_client.replica import Feeds, Replica
from comptoir_client.shops import Shop, ShopState, SignatureAlgorithm
from comptoir_client.verdicts import Cause, Environment, SignedAnswer, SignedForm, ValueState, Verdict

__all__ = [
    "Addresses",
    "Cause",
    "Change",
    "Company",
    "Comptoir",
    "ComptoirError",
    "Credentials",
    "Denied",
    "Environment",
    "Exhausted",
    "Feeds",
    "Internal",
    "Invalid",
    "NotFound",
    "Precondition",
    "Renewed",
    "Replica",
    "Shop",
    "ShopState",
    "SignatureAlgorithm",
    "SignedAnswer",
    "SignedForm",
    "State",
    "TimedOut",
    "Unavailable",
    "ValueState",
    "Verdict",
    "Violation",
]

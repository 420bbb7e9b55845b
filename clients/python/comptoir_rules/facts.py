"""What the rules are made from: the shop's settings, and the facts of one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

LARGEST_AMOUNT = 10**12 - 1
"""Twelve digits, as in the form."""
LONGEST_DELAY = 365
"""Days; a larger delay of a transaction is taken as this."""
MOST_EXTRA_ATTEMPTS = 10
_YEARS = range(1970, 9990)
"""Room on both sides for a zone, a delay and a year of instalments."""


class BadFact(ValueError):
    """A fact that no transaction and no shop can have: which field, the rule's id, a sentence safe to show."""

    def __init__(self, field: str, rule: str, description: str) -> None:
        super().__init__(f"{field} {description}")
        self.field = field
        self.rule = rule
        self.description = description


class Source(StrEnum):
    """How a transaction came to the platform."""

    FORM = "FORM"
    """The form API, redirected: the only one with extra attempts."""
    REST = "REST"
    """The REST API, the embedded form included."""
    MANUAL_ENTRY = "MANUAL_ENTRY"
    """MO/TO, typed in by the merchant: takes none of the shop's defaults."""
    BATCH = "BATCH"
    """An exchange of files."""


class ValidationMode(StrEnum):
    """How a transaction is released to capture."""

    AUTOMATIC = "AUTOMATIC"
    MANUAL = "MANUAL"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the shop says, and the zone of its company, whose calendar all dates are in."""

    time_zone: str
    """IANA name."""
    capture_delay_days: int = 0
    validation_mode: ValidationMode = ValidationMode.AUTOMATIC
    extra_attempts: int = 3
    """On top of the first one."""
    notify_refused_attempts: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.capture_delay_days <= LONGEST_DELAY:
            raise BadFact("capture_delay_days", "range", f"must be from 0 to {LONGEST_DELAY}")
        if not 0 <= self.extra_attempts <= MOST_EXTRA_ATTEMPTS:
            raise BadFact("extra_attempts", "range", f"must be from 0 to {MOST_EXTRA_ATTEMPTS}")
        if not isinstance(self.validation_mode, ValidationMode):
            raise BadFact("validation_mode", "choice", "must be AUTOMATIC or MANUAL")


@dataclass(frozen=True, slots=True)
class Transaction:
    """What is known of one transaction. Texts are as the request for payment had them; an empty one says nothing."""

    time: datetime
    """When it was made; aware of its zone, whichever."""
    source: Source
    amount_minor: int
    """In the smallest unit of the currency."""
    currency_code: str
    """ISO 4217, as letters or digits."""
    brand: str = ""
    """Of the card, such as `VISA_ELECTRON`; it decides how long an authorization lasts."""
    method: str = ""
    """Means of payment, such as `ONEY_3X_4X`; empty for cards."""
    method_retries: bool | None = None
    """Whether the method allows another attempt, where the caller knows better than the table."""
    instalments: str = "SINGLE"
    """`SINGLE`, `MULTI:first=5000;count=3;period=30` or `MULTI_EXT:20260131=5000;20260228=5000`."""
    capture_delay: str = ""
    """Days, as `vads_capture_delay` has them."""
    capture_date: date | None = None
    """Its own date, which goes before any delay: typed in, or changed since by *Modifier la transaction*."""
    validation_mode: str = ""
    """`0` or `NO` for automatic, `1` or `YES` for manual."""
    redirect_error_timeout: bool = False
    """Whether the form sends the buyer back by itself after a refusal (`vads_redirect_error_timeout`)."""

    def __post_init__(self) -> None:
        if self.time.utcoffset() is None:
            raise BadFact("time", "aware", "must say its zone")
        if self.time.year not in _YEARS:
            raise BadFact("time", "range", f"must be from {_YEARS.start} to {_YEARS.stop - 1}")
        if not isinstance(self.source, Source):
            raise BadFact("source", "choice", f"must be one of {', '.join(Source)}")
        if not 0 <= self.amount_minor <= LARGEST_AMOUNT:
            raise BadFact("amount_minor", "range", f"must be from 0 to {LARGEST_AMOUNT}")
        code = self.currency_code
        if (
            len(code) != 3
            or not code.isascii()
            or not (code.isdigit() or (code.isalpha() and code.isupper()))
        ):
            raise BadFact(
                "currency_code", "currency", "must be three capital letters or three digits (ISO 4217)"
            )

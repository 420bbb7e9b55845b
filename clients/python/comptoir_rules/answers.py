"""The rules of one transaction. Plain tuples: they are made at every payment."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Generic, NamedTuple, TypeVar

from comptoir_rules.facts import ValidationMode
from comptoir_rules.reasons import Origin, Reason

T = TypeVar("T")


class Answer(NamedTuple, Generic[T]):
    """One element of the rules, and why it is so."""

    value: T
    reason: Reason

    @property
    def origin(self) -> Origin:
        """Whose word it was."""
        return self.reason.origin


class Moment(StrEnum):
    """When authorization is asked."""

    AT_PAYMENT = "AT_PAYMENT"
    DAY_BEFORE_CAPTURE = "DAY_BEFORE_CAPTURE"
    AT_VALIDATION = "AT_VALIDATION"


class Violation(NamedTuple):
    """What the transaction must carry and does not. What depends on it is None."""

    field: str
    reason: Reason


class Course(NamedTuple):
    """What becomes of one capture: of the transaction, or of one of its instalments."""

    deferred: Answer[bool | None]
    """Whether it is captured later than an authorization given now would last (SH9)."""
    authorization: Answer[Moment | None]
    authorization_date: date | None
    """None where it waits for validation."""
    information_request: Answer[bool | None]
    """Whether the card is first checked by an information request, made at payment (SH9)."""
    expire_date: Answer[date | None]
    """Last day; None where it does not expire. The transaction expires when that day ends."""
    expire_time: datetime | None
    """The end of that day in the company's zone, as UTC."""
    validate_until: Answer[date | None]
    """Last day on which it can be validated; None where nobody needs to."""
    change_until: Answer[date | None]
    """Last day on which its date can be changed, so long as it is not captured."""


class Instalment(NamedTuple):
    """One part of a payment in several."""

    amount: Answer[int]
    """In the smallest unit of the currency."""
    capture_date: Answer[date]
    course: Course


class Rules(NamedTuple):
    """What applies to one transaction. Dates are in the calendar of the company's zone."""

    transaction_date: date
    capture_date: Answer[date | None]
    """Of the first instalment, where there are several."""
    validation_mode: Answer[ValidationMode | None]
    authorization_validity_days: Answer[int]
    course: Course
    further_attempts: Answer[bool]
    """Whether a refused buyer may try again (SH10)."""
    attempts: Answer[int]
    """In all, the first included."""
    notify_refused_attempts: Answer[bool]
    """Whether the notification URL is called at the end of each refused attempt."""
    notify_end: Answer[bool]
    """Whether it is called at the end of the payment."""
    notify_abandonment: Answer[bool]
    """Whether it is called for a payment that the buyer abandoned: the rule for cancellations does that."""
    instalments: tuple[Instalment, ...]
    """Empty for a payment in one."""
    violations: tuple[Violation, ...]
    """Empty where the transaction carries all that it must."""

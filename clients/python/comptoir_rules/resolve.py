"""From settings and facts to rules (SH7 to SH10; the manual's chapters 4.5 to 4.7)."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from comptoir_rules.answers import Answer, Course, Instalment, Rules, Violation
from comptoir_rules.calendar import zone
from comptoir_rules.course import course, unknown_course
from comptoir_rules.facts import LONGEST_DELAY, BadFact, Settings, Source, Transaction, ValidationMode
from comptoir_rules.reasons import Reason
from comptoir_rules.schedule import SINGLE, Parts, chosen, is_chosen, regular
from comptoir_rules.tables import retries, validity

_MODES = {
    "0": Answer[ValidationMode | None](ValidationMode.AUTOMATIC, Reason.TRANSACTION_MODE),
    "NO": Answer[ValidationMode | None](ValidationMode.AUTOMATIC, Reason.TRANSACTION_MODE),
    "1": Answer[ValidationMode | None](ValidationMode.MANUAL, Reason.TRANSACTION_MODE),
    "YES": Answer[ValidationMode | None](ValidationMode.MANUAL, Reason.TRANSACTION_MODE),
}
_SHOP_MODES = {mode: Answer[ValidationMode | None](mode, Reason.SHOP_MODE) for mode in ValidationMode}
_NO_MODE = Answer[ValidationMode | None](None, Reason.MANUAL_ENTRY_NEEDS_MODE)
_NO_DATE = Answer[date | None](None, Reason.MANUAL_ENTRY_NEEDS_DATE)
_LONGEST = timedelta(days=LONGEST_DELAY)

_END = Answer(True, Reason.END_NOTIFIED)
_ABANDONED = Answer(False, Reason.ABANDONMENT_NOT_NOTIFIED)
_NO_REFUSED = Answer(False, Reason.NO_ATTEMPTS_OUTSIDE_FORM)
_REFUSED = {notified: Answer(notified, Reason.SHOP_NOTIFICATION) for notified in (False, True)}


def resolve(settings: Settings, transaction: Transaction) -> Rules:
    """The rules of the transaction. A `BadFact` names what no transaction can have; what a transaction of its kind
    must carry and this one does not is a violation in the answer."""
    where = zone(settings.time_zone)
    day = transaction.time.astimezone(where).date()
    mode = _mode(settings, transaction)
    lasts = validity(transaction.brand)
    parts: Parts | None = None
    if is_chosen(transaction.instalments):
        parts = chosen(transaction.instalments, transaction.amount_minor, day)
        capture: Answer[date | None] = Answer(parts[1][0], Reason.SCHEDULE_DATE)
    else:
        capture = _capture(settings, transaction, day)
        if capture.value is not None and transaction.instalments not in (SINGLE, ""):
            parts = regular(transaction.instalments, transaction.amount_minor, day, capture.value)
    further, attempts = _attempts(settings, transaction)
    refused = _REFUSED[settings.notify_refused_attempts] if transaction.source is Source.FORM else _NO_REFUSED
    violations: tuple[Violation, ...] = ()
    instalments: tuple[Instalment, ...] = ()
    if capture.value is None or mode.value is None:
        violations = _violations(capture, mode)
        whole = unknown_course(violations[0].reason)
    elif parts:
        amounts, days = parts
        courses = _courses(days, capture.reason, day, mode.value, lasts.value, where)
        instalments = tuple(
            [Instalment(amount, *each) for amount, each in zip(amounts, courses, strict=True)]
        )
        whole = instalments[0].course
    else:
        whole = course(day, capture.value, mode.value, lasts.value, where)
    return Rules(
        day,
        capture,
        mode,
        lasts,
        whole,
        further,
        attempts,
        refused,
        _END,
        _ABANDONED,
        instalments,
        violations,
    )


def _capture(settings: Settings, transaction: Transaction, day: date) -> Answer[date | None]:
    wanted = transaction.capture_date
    if wanted is not None:
        if wanted < day:
            raise BadFact(
                "capture_date", "not_before_transaction", "must not be before the transaction's own day"
            )
        if wanted - day > _LONGEST:
            return Answer(day + _LONGEST, Reason.DELAY_LIMITED)
        return Answer(wanted, Reason.TRANSACTION_DATE)
    if transaction.capture_delay:
        return _own_delay(transaction.capture_delay, day)
    if transaction.source is Source.MANUAL_ENTRY:
        return _NO_DATE
    return Answer(day + timedelta(days=settings.capture_delay_days), Reason.SHOP_DELAY)


def _own_delay(text: str, day: date) -> Answer[date | None]:
    if not text.isascii() or not text.isdigit():
        raise BadFact("capture_delay", "days", "must be a whole number of days, or empty")
    digits = text.lstrip("0")
    # Never more than three digits are read as a number: a long text costs no more than a short one.
    if len(digits) > 3 or int(digits or "0") > LONGEST_DELAY:
        return Answer(day + _LONGEST, Reason.DELAY_LIMITED)
    return Answer(day + timedelta(days=int(digits or "0")), Reason.TRANSACTION_DELAY)


def _mode(settings: Settings, transaction: Transaction) -> Answer[ValidationMode | None]:
    own = transaction.validation_mode
    if own:
        found = _MODES.get(own)
        if found is None:
            raise BadFact("validation_mode", "choice", "must be 0, 1, NO, YES, or empty")
        return found
    return _NO_MODE if transaction.source is Source.MANUAL_ENTRY else _SHOP_MODES[settings.validation_mode]


def _violations(capture: Answer[date | None], mode: Answer[ValidationMode | None]) -> tuple[Violation, ...]:
    lacking = (("capture_date", capture), ("validation_mode", mode))
    return tuple(Violation(field, answer.reason) for field, answer in lacking if answer.value is None)


def _attempts(settings: Settings, transaction: Transaction) -> tuple[Answer[bool], Answer[int]]:
    reason = _no_retry(transaction)
    if reason is not None:
        return Answer(False, reason), Answer(1, reason)
    extra = settings.extra_attempts
    return Answer(extra > 0, Reason.SHOP_ATTEMPTS), Answer(extra + 1, Reason.SHOP_ATTEMPTS)


def _no_retry(transaction: Transaction) -> Reason | None:
    """The first thing that stands against another attempt."""
    if transaction.source is not Source.FORM:
        return Reason.NO_RETRY_OUTSIDE_FORM
    if transaction.instalments not in (SINGLE, ""):
        return Reason.NO_RETRY_FOR_INSTALMENTS
    allowed = transaction.method_retries
    if not (retries(transaction.method) if allowed is None else allowed):
        return Reason.NO_RETRY_FOR_METHOD
    return Reason.NO_RETRY_BEFORE_REDIRECT if transaction.redirect_error_timeout else None


# Whatever the amounts, those who buy on one day have the same few schedules.
@lru_cache(maxsize=256)
def _courses(
    days: tuple[date, ...], reason: Reason, day: date, mode: ValidationMode, lasts: int, where: ZoneInfo
) -> tuple[tuple[Answer[date], Course], ...]:
    """Day and course of each instalment."""
    return tuple([(Answer(when, reason), course(day, when, mode, lasts, where)) for when in days])

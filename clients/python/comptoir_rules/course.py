"""What becomes of one capture: when it is authorised, and until when it can be validated or changed (SH8, SH9)."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from comptoir_rules.answers import Answer, Course, Moment
from comptoir_rules.calendar import DAY, end_of
from comptoir_rules.facts import ValidationMode
from comptoir_rules.reasons import Reason

_DEFERRED = Answer[bool | None](True, Reason.BEYOND_AUTHORIZATION)
_PROMPT = Answer[bool | None](False, Reason.WITHIN_AUTHORIZATION)
_CHECKED_FIRST = Answer[bool | None](True, Reason.CARD_CHECKED_FIRST)
_NOT_CHECKED = Answer[bool | None](False, Reason.CARD_CHECKED_BY_AUTHORIZATION)
_AT_PAYMENT = Answer[Moment | None](Moment.AT_PAYMENT, Reason.AUTHORIZED_AT_PAYMENT)
_DAY_BEFORE = Answer[Moment | None](Moment.DAY_BEFORE_CAPTURE, Reason.AUTHORIZED_THE_DAY_BEFORE)
_AT_VALIDATION = Answer[Moment | None](Moment.AT_VALIDATION, Reason.AUTHORIZED_AT_VALIDATION)
_RELEASED = Answer[date | None](None, Reason.RELEASED_BY_PLATFORM)


# Payments of one day have few courses between them, as they have few days of capture.
@lru_cache(maxsize=8192)
def course(
    day: date, capture_date: date, mode: ValidationMode, validity_days: int, where: ZoneInfo
) -> Course:
    """Of a transaction made on that day. One that is captured on the last day of its authorization is not deferred."""
    deferred = (capture_date - day).days > validity_days
    if mode is ValidationMode.AUTOMATIC:
        change: Answer[date | None] = Answer(capture_date, Reason.UNTIL_CAPTURED)
        if deferred:
            return Course(
                _DEFERRED, _DAY_BEFORE, capture_date - DAY, _CHECKED_FIRST, _RELEASED, None, _RELEASED, change
            )
        return Course(_PROMPT, _AT_PAYMENT, day, _NOT_CHECKED, _RELEASED, None, _RELEASED, change)
    if deferred:
        last: Answer[date | None] = Answer(capture_date, Reason.UNTIL_CAPTURE_DATE)
        over = end_of(capture_date, where)
        return Course(_DEFERRED, _AT_VALIDATION, None, _CHECKED_FIRST, last, over, last, last)
    expiry = day + timedelta(days=validity_days)
    last = Answer(expiry, Reason.UNTIL_AUTHORIZATION_EXPIRES)
    return Course(_PROMPT, _AT_PAYMENT, day, _NOT_CHECKED, last, end_of(expiry, where), last, last)


def unknown_course(reason: Reason) -> Course:
    """Of a transaction that lacks what it must carry."""
    return Course(
        Answer(None, reason),
        Answer(None, reason),
        None,
        Answer(None, reason),
        Answer(None, reason),
        None,
        Answer(None, reason),
        Answer(None, reason),
    )

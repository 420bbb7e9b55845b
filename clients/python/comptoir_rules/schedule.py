"""Payment in several instalments: how much, and when.

The notation and the sharing are the platform family's: each instalment after the first has the same whole share, and
the last one what is left over.
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from itertools import pairwise

from comptoir_rules.answers import Answer
from comptoir_rules.calendar import a_year_after
from comptoir_rules.facts import BadFact
from comptoir_rules.reasons import Reason

SINGLE = "SINGLE"
_REGULAR = re.compile(r"MULTI:first=([0-9]{1,12});count=([0-9]{1,3});period=([0-9]{1,3})")
_CHOSEN = re.compile(r"MULTI_EXT:([0-9]{8}=[0-9]{1,12}(?:;[0-9]{8}=[0-9]{1,12}){0,365})")
_TOTAL = "must add up to amount_minor"
Parts = tuple[list[Answer[int]], tuple[date, ...]]
"""Amounts and days of the instalments, as the notation has them. Plain, since every payment makes them."""


def is_chosen(instalments: str) -> bool:
    """Whether the notation names its dates itself, so that no delay counts."""
    return instalments.startswith("MULTI_EXT:")


def chosen(instalments: str, amount_minor: int, day: date) -> Parts:
    """The parts of a `MULTI_EXT`, whose dates and amounts are all given."""
    found = _CHOSEN.fullmatch(instalments)
    if found is None:
        raise _unreadable()
    parts = [_part(text) for text in found[1].split(";")]
    amounts, days = [amount for amount, _ in parts], tuple([when for _, when in parts])
    if days[0] < day:
        raise BadFact("instalments", "not_before_transaction", "begins before the transaction's own day")
    if any(later <= sooner for sooner, later in pairwise(days)):
        raise BadFact("instalments", "order", "must have dates that follow each other")
    if sum(amount.value for amount in amounts) != amount_minor:
        raise BadFact("instalments", "total", _TOTAL)
    if days[-1] > a_year_after(day):
        raise _too_long()
    return amounts, days


def regular(instalments: str, amount_minor: int, day: date, first_date: date) -> Parts:
    """The parts of a `MULTI`, the first of them captured on that date."""
    first, count, period = _read(instalments)
    if not count or not period or not first:
        raise BadFact("instalments", "positive", "must have a first amount, a count and a period above zero")
    if count == 1:
        if first != amount_minor:
            raise BadFact("instalments", "total", _TOTAL)
        return [Answer(first, Reason.SCHEDULE_FIRST)], (first_date,)
    share, left_over = divmod(amount_minor - first, count - 1)
    if share < 1:
        raise BadFact("instalments", "share", "leaves nothing to pay in an instalment after the first")
    begin = first_date.toordinal()
    if begin + (count - 1) * period > a_year_after(day).toordinal():
        raise _too_long()
    between = Answer(share, Reason.SCHEDULE_SHARE)
    amounts = [Answer(first, Reason.SCHEDULE_FIRST)] + [between] * (count - 2)
    amounts.append(Answer(share + left_over, Reason.SCHEDULE_REMAINDER))
    return amounts, _days(first_date, count, period)


# Read once: an offer of several instalments is made to many.
@lru_cache(maxsize=4096)
def _read(instalments: str) -> tuple[int, int, int]:
    """First amount, count and period of a `MULTI`."""
    found = _REGULAR.fullmatch(instalments)
    if found is None:
        raise _unreadable()
    first, count, period = map(int, found.groups())
    return first, count, period


@lru_cache(maxsize=256)
def _days(first: date, count: int, period: int) -> tuple[date, ...]:
    begin = first.toordinal()
    return tuple(map(date.fromordinal, range(begin, begin + count * period, period)))


def _part(text: str) -> tuple[Answer[int], date]:
    day, _, amount = text.partition("=")
    try:
        when = date(int(day[:4]), int(day[4:6]), int(day[6:]))
    except ValueError:
        raise BadFact("instalments", "date", "names a day that no calendar has") from None
    if not int(amount):
        raise BadFact("instalments", "positive", "must have amounts above zero")
    return Answer(int(amount), Reason.SCHEDULE_DATE), when


def _too_long() -> BadFact:
    return BadFact("instalments", "twelve_months", "ends more than twelve months after the transaction")


def _unreadable() -> BadFact:
    return BadFact(
        "instalments",
        "notation",
        "must be SINGLE, MULTI:first=AMOUNT;count=N;period=DAYS or MULTI_EXT:YYYYMMDD=AMOUNT;...",
    )

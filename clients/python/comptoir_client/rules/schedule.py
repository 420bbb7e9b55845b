"""Payment in several instalments: how much, and when.

The notation and the sharing are the platform family's: each instalment after the first has the same whole share, and
the last one what is left over.
"""

from __future__ import annotations

import re
from datetime import date
from itertools import pairwise

from comptoir_client.rules.answers import Answer
from comptoir_client.rules.calendar import a_year_after
from comptoir_client.rules.facts import BadFact
from comptoir_client.rules.reasons import Reason

SINGLE = "SINGLE"
_REGULAR = re.compile(r"MULTI:first=([0-9]{1,12});count=([0-9]{1,3});period=([0-9]{1,3})")
_CHOSEN = re.compile(r"MULTI_EXT:([0-9]{8}=[0-9]{1,12}(?:;[0-9]{8}=[0-9]{1,12}){0,365})")
_TOTAL = "must add up to amount_minor"
Part = tuple[Answer[int], date]
"""Amount and day of one instalment, as the notation has them. Plain, since every payment makes them."""


def is_chosen(instalments: str) -> bool:
    """Whether the notation names its dates itself, so that no delay counts."""
    return instalments.startswith("MULTI_EXT:")


def chosen(instalments: str, amount_minor: int, day: date) -> list[Part]:
    """The parts of a `MULTI_EXT`, whose dates and amounts are all given."""
    found = _CHOSEN.fullmatch(instalments)
    if found is None:
        raise _unreadable()
    parts = [_part(text) for text in found[1].split(";")]
    if parts[0][1] < day:
        raise BadFact("instalments", "not_before_transaction", "begins before the transaction's own day")
    if any(later <= sooner for (_, sooner), (_, later) in pairwise(parts)):
        raise BadFact("instalments", "order", "must have dates that follow each other")
    if sum(amount.value for amount, _ in parts) != amount_minor:
        raise BadFact("instalments", "total", _TOTAL)
    if parts[-1][1] > a_year_after(day):
        raise _too_long()
    return parts


def regular(instalments: str, amount_minor: int, day: date, first_date: date) -> list[Part]:
    """The parts of a `MULTI`, the first of them captured on that date."""
    found = _REGULAR.fullmatch(instalments)
    if found is None:
        raise _unreadable()
    first, count, period = map(int, found.groups())
    if not count or not period or not first:
        raise BadFact("instalments", "positive", "must have a first amount, a count and a period above zero")
    if count == 1:
        if first != amount_minor:
            raise BadFact("instalments", "total", _TOTAL)
        return [(Answer(first, Reason.SCHEDULE_FIRST), first_date)]
    share, left_over = divmod(amount_minor - first, count - 1)
    if share < 1:
        raise BadFact("instalments", "share", "leaves nothing to pay in an instalment after the first")
    begin = first_date.toordinal()
    days = range(begin, begin + count * period, period)
    if days[-1] > a_year_after(day).toordinal():
        raise _too_long()
    between = Answer(share, Reason.SCHEDULE_SHARE)
    amounts = [Answer(first, Reason.SCHEDULE_FIRST)] + [between] * (count - 2)
    amounts.append(Answer(share + left_over, Reason.SCHEDULE_REMAINDER))
    return list(zip(amounts, map(date.fromordinal, days), strict=True))


def _part(text: str) -> Part:
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

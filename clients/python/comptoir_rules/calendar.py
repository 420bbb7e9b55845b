"""Days of a company's calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from comptoir_rules.facts import BadFact

DAY = timedelta(days=1)


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """The zone of this name."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise BadFact("time_zone", "time_zone", "must be the name of a zone, such as Europe/Paris") from None


# Payments of one day end on few days: both are worth remembering.
@lru_cache(maxsize=4096)
def end_of(day: date, where: ZoneInfo) -> datetime:
    """When the day is over there. Where clocks leap over midnight, that is when they leap; where they go back to
    it, the first of the two."""
    following = day + DAY
    return datetime(following.year, following.month, following.day, tzinfo=where).astimezone(UTC)


@lru_cache(maxsize=64)
def a_year_after(day: date) -> date:
    """Twelve months later; 28 February where there is no 29."""
    try:
        return day.replace(year=day.year + 1)
    except ValueError:
        return day.replace(year=day.year + 1, day=28)

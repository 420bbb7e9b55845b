"""Days and times as each language writes them, in pages and in mails alike (ID3)."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from services.look.words import Translate


def day(moment: date, t: Translate) -> str:
    """The day, in digits."""
    return t("look.day", year=moment.year, month=moment.month, day=moment.day)


def time(moment: datetime, zone: str, t: Translate) -> str:
    """Day and time by the clock of the zone, which is named."""
    local = moment.astimezone(ZoneInfo(zone))
    return t("look.time", day=day(local, t), hour=local.hour, minute=local.minute, zone=zone)

"""Days are those of the company's calendar: across midnight, the ends of months, and changes of the clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from comptoir_rules import Settings, Source, Transaction, resolve

PAYMENT = Transaction(datetime(2026, 6, 1, tzinfo=UTC), Source.REST, 100, "978", validation_mode="1")


@pytest.mark.parametrize(
    ("zone", "time", "delay", "day", "capture"),
    [
        ("Europe/Paris", "2026-12-31T22:59:59Z", 0, "2026-12-31", "2026-12-31"),
        ("Europe/Paris", "2026-12-31T23:00:00Z", 0, "2027-01-01", "2027-01-01"),
        ("Europe/Paris", "2026-07-31T21:59:59.999999Z", 1, "2026-07-31", "2026-08-01"),
        ("Europe/Paris", "2026-07-31T22:00:00Z", 1, "2026-08-01", "2026-08-02"),
        ("Pacific/Noumea", "2026-11-30T12:59:59Z", 0, "2026-11-30", "2026-11-30"),
        ("Pacific/Noumea", "2026-11-30T13:00:00Z", 0, "2026-12-01", "2026-12-01"),
        ("Pacific/Noumea", "2026-12-01T00:00:00+11:00", 0, "2026-12-01", "2026-12-01"),
        ("Pacific/Tahiti", "2026-12-01T09:59:59Z", 0, "2026-11-30", "2026-11-30"),
        ("America/Sao_Paulo", "2026-03-01T02:59:59Z", 0, "2026-02-28", "2026-02-28"),
        ("Europe/Paris", "2026-02-28T12:00:00Z", 1, "2026-02-28", "2026-03-01"),
        ("Europe/Paris", "2028-02-28T12:00:00Z", 1, "2028-02-28", "2028-02-29"),
        ("Europe/Paris", "2027-03-01T12:00:00Z", 365, "2027-03-01", "2028-02-29"),
        # The night in which the clock leaps is a day like any other.
        ("Europe/Paris", "2026-03-28T23:30:00Z", 1, "2026-03-29", "2026-03-30"),
        ("Europe/Paris", "2026-10-24T22:30:00Z", 1, "2026-10-25", "2026-10-26"),
        # 23:30 for the second time: the clock went back at midnight.
        ("America/Sao_Paulo", "2018-02-18T02:30:00Z", 1, "2018-02-17", "2018-02-18"),
    ],
)
def test_the_day_of_a_transaction_is_the_companys(
    zone: str, time: str, delay: int, day: str, capture: str
) -> None:
    rules = resolve(
        Settings(zone, capture_delay_days=delay), replace(PAYMENT, time=datetime.fromisoformat(time))
    )

    assert (day, capture) == (rules.transaction_date.isoformat(), str(rules.capture_date.value))


@pytest.mark.parametrize(
    ("zone", "time", "last", "over"),
    [
        ("Pacific/Noumea", "2026-06-01T01:00:00Z", "2026-06-08", "2026-06-08T13:00:00Z"),
        ("Europe/Paris", "2026-01-24T12:00:00Z", "2026-01-31", "2026-01-31T23:00:00Z"),
        # Paid in winter, over in summer time, and the other way round.
        ("Europe/Paris", "2026-03-23T12:00:00Z", "2026-03-30", "2026-03-30T22:00:00Z"),
        ("Europe/Paris", "2026-03-21T12:00:00Z", "2026-03-28", "2026-03-28T23:00:00Z"),
        ("Europe/Paris", "2026-03-22T12:00:00Z", "2026-03-29", "2026-03-29T22:00:00Z"),
        ("Europe/Paris", "2026-10-18T12:00:00Z", "2026-10-25", "2026-10-25T23:00:00Z"),
        # No midnight: the clock leaps from 24:00 to 01:00.
        ("America/Sao_Paulo", "2018-10-27T12:00:00Z", "2018-11-03", "2018-11-04T03:00:00Z"),
        # The hour before midnight comes twice.
        ("America/Sao_Paulo", "2018-02-10T12:00:00Z", "2018-02-17", "2018-02-18T03:00:00Z"),
        # Midnight comes twice: the day is over at the first.
        ("Atlantic/Azores", "2026-10-17T12:00:00Z", "2026-10-24", "2026-10-25T00:00:00Z"),
        # The next day never came.
        ("Pacific/Apia", "2011-12-22T22:00:00Z", "2011-12-29", "2011-12-30T10:00:00Z"),
    ],
)
def test_a_transaction_expires_when_its_last_day_ends_there(
    zone: str, time: str, last: str, over: str
) -> None:
    course = resolve(Settings(zone), replace(PAYMENT, time=datetime.fromisoformat(time))).course

    assert date.fromisoformat(last) == course.expire_date.value
    assert datetime.fromisoformat(over) == course.expire_time


def test_the_same_instant_is_the_same_day_whichever_zone_it_is_told_in() -> None:
    times = [
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC).astimezone(ZoneInfo(zone))
        for zone in ("UTC", "Europe/Paris", "Pacific/Noumea", "America/Sao_Paulo")
    ]
    days = {resolve(Settings("Europe/Paris"), replace(PAYMENT, time=time)).transaction_date for time in times}

    assert days == {date(2026, 10, 25)}

"""Payment in several instalments: shares, dates, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from comptoir_rules import BadFact, Moment, Reason, Settings, Source, Transaction, resolve

SHOP = Settings("Europe/Paris")
PAYMENT = Transaction(datetime(2026, 6, 1, 10, tzinfo=UTC), Source.FORM, 20_000, "EUR", "CB")
FOUR = "MULTI:first=10000;count=4;period=30"


def test_the_remainder_goes_to_the_last_and_the_delay_moves_them_all() -> None:
    rules = resolve(SHOP, replace(PAYMENT, instalments=FOUR, capture_delay="2"))
    found = [(part.amount.value, part.capture_date.value, part.amount.reason) for part in rules.instalments]

    assert found == [
        (10_000, date(2026, 6, 3), Reason.SCHEDULE_FIRST),
        (3_333, date(2026, 7, 3), Reason.SCHEDULE_SHARE),
        (3_333, date(2026, 8, 2), Reason.SCHEDULE_SHARE),
        (3_334, date(2026, 9, 1), Reason.SCHEDULE_REMAINDER),
    ]
    assert {part.capture_date.reason for part in rules.instalments} == {Reason.TRANSACTION_DELAY}


def test_each_instalment_has_a_course_of_its_own() -> None:
    parts = resolve(SHOP, replace(PAYMENT, instalments=FOUR, validation_mode="1")).instalments
    moments = [part.course.authorization.value for part in parts]
    expiries = [part.course.expire_date.value for part in parts]

    assert moments == [Moment.AT_PAYMENT, Moment.AT_VALIDATION, Moment.AT_VALIDATION, Moment.AT_VALIDATION]
    assert expiries == [date(2026, 6, 8), date(2026, 7, 1), date(2026, 7, 31), date(2026, 8, 30)]


def test_the_whole_has_the_date_and_the_course_of_the_first() -> None:
    rules = resolve(SHOP, replace(PAYMENT, instalments=FOUR, capture_delay="20"))

    assert (rules.capture_date, rules.course) == rules.instalments[0][1:]


def test_a_schedule_with_its_own_dates_is_taken_as_it_is_and_knows_no_delay() -> None:
    notation = "MULTI_EXT:20260601=1000;20260731=4000;20270601=15000"

    rules = resolve(SHOP, replace(PAYMENT, instalments=notation, capture_delay="40"))

    assert [(part.amount.value, part.capture_date) for part in rules.instalments] == [
        (1_000, (date(2026, 6, 1), Reason.SCHEDULE_DATE)),
        (4_000, (date(2026, 7, 31), Reason.SCHEDULE_DATE)),
        (15_000, (date(2027, 6, 1), Reason.SCHEDULE_DATE)),
    ]
    assert rules.capture_date == (date(2026, 6, 1), Reason.SCHEDULE_DATE)


def test_a_schedule_with_its_own_dates_gives_a_typed_payment_its_date() -> None:
    notation = "MULTI_EXT:20260602=20000"
    typed = replace(PAYMENT, source=Source.MANUAL_ENTRY, instalments=notation, validation_mode="0")

    assert resolve(SHOP, typed).violations == ()


@pytest.mark.parametrize("notation", ["SINGLE", ""])
def test_a_payment_in_one_has_no_schedule(notation: str) -> None:
    assert resolve(SHOP, replace(PAYMENT, instalments=notation)).instalments == ()


def test_one_instalment_of_everything_is_still_a_payment_in_several() -> None:
    rules = resolve(SHOP, replace(PAYMENT, instalments="MULTI:first=20000;count=1;period=30"))

    assert [part.amount.value for part in rules.instalments] == [20_000]
    assert rules.attempts.reason is Reason.NO_RETRY_FOR_INSTALMENTS


@pytest.mark.parametrize(
    ("day", "last", "fits"),
    [
        ("2026-06-01", "20270601", True),
        ("2026-06-01", "20270602", False),
        # Twelve months are 366 days here, and end on 28 February there.
        ("2027-06-01", "20280601", True),
        ("2028-02-29", "20290228", True),
        ("2028-02-29", "20290301", False),
    ],
)
def test_the_last_instalment_is_at_most_twelve_months_out(day: str, last: str, fits: bool) -> None:
    payment = replace(
        PAYMENT, time=datetime.fromisoformat(f"{day}T10:00:00Z"), instalments=f"MULTI_EXT:{last}=20000"
    )

    if fits:
        assert len(resolve(SHOP, payment).instalments) == 1
    else:
        with pytest.raises(BadFact, match="twelve months"):
            resolve(SHOP, payment)


@pytest.mark.parametrize(
    ("notation", "rule"),
    [
        ("MULTI", "notation"),
        ("MULTI:first=10000;count=4", "notation"),
        ("MULTI:count=4;first=10000;period=30", "notation"),
        ("MULTI:first=-1;count=4;period=30", "notation"),
        ("MULTI:first=10000;count=4;period=30\n", "notation"),
        ("MULTI:first=１００００;count=4;period=30", "notation"),
        ("multi:first=10000;count=4;period=30", "notation"),
        ("MULTI_EXT:", "notation"),
        ("MULTI_EXT:20260601=20000;", "notation"),
        ("MULTI_EXT:2026-06-01=20000", "notation"),
        ("MULTI:first=10000;count=0;period=30", "positive"),
        ("MULTI:first=10000;count=4;period=0", "positive"),
        ("MULTI:first=0;count=4;period=30", "positive"),
        ("MULTI_EXT:20260601=0;20260701=20000", "positive"),
        ("MULTI:first=20000;count=2;period=30", "share"),
        ("MULTI:first=20001;count=2;period=30", "share"),
        ("MULTI:first=19998;count=4;period=30", "share"),
        ("MULTI:first=10000;count=1;period=30", "total"),
        ("MULTI_EXT:20260601=19999", "total"),
        ("MULTI:first=10000;count=4;period=122", "twelve_months"),
        ("MULTI:first=1;count=999;period=999", "twelve_months"),
        ("MULTI_EXT:20260531=20000", "not_before_transaction"),
        ("MULTI_EXT:20260701=10000;20260601=10000", "order"),
        ("MULTI_EXT:20260601=10000;20260601=10000", "order"),
        ("MULTI_EXT:20260631=20000", "date"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused_with_its_rule(notation: str, rule: str) -> None:
    with pytest.raises(BadFact) as refused:
        resolve(SHOP, replace(PAYMENT, instalments=notation))

    assert (refused.value.field, refused.value.rule) == ("instalments", rule)

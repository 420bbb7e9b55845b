"""The manual's chapters 4.5 to 4.7, sentence by sentence, with what each asks of one transaction.

The transaction is of 1 June 2026 at noon in Nouméa, with a CB card by the redirected form, unless the sentence is
about something else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import reduce
from typing import Any, NamedTuple

import pytest

from comptoir_rules import (
    Answer,
    Moment,
    Reason,
    Settings,
    Source,
    Transaction,
    ValidationMode,
    resolve,
)
from comptoir_rules.facts import LONGEST_DELAY

SHOP = Settings("Pacific/Noumea")
NOON = datetime(2026, 6, 1, 1, 0, tzinfo=UTC)
PAYMENT = Transaction(NOON, Source.FORM, 20_000, "XPF", "CB")
AUTOMATIC, MANUAL = ValidationMode.AUTOMATIC, ValidationMode.MANUAL
TYPED = {"source": Source.MANUAL_ENTRY}
IN_A_YEAR = date(2027, 6, 1)


class Sentence(NamedTuple):
    """What the manual says, in which chapter and row, and what follows for these settings and facts."""

    place: str
    says: str
    settings: Mapping[str, Any]
    facts: Mapping[str, Any]
    follows: Mapping[str, tuple[Any, Reason]]


def june(day: int) -> date:
    return date(2026, 6, day)


CAPTURE = (
    Sentence(
        "4.5 SH7",
        "the merchant chooses how long payments are held back",
        {"capture_delay_days": 3},
        {},
        {"capture_date": (june(4), Reason.SHOP_DELAY)},
    ),
    Sentence(
        "4.5 SH7",
        "the day of capture is the day of the transaction and the delay: none is the same day",
        {},
        {},
        {"capture_date": (june(1), Reason.SHOP_DELAY)},
    ),
    Sentence(
        "4.5 SH7",
        "the request for payment may set a delay of its own",
        {"capture_delay_days": 3},
        {"capture_delay": "5"},
        {"capture_date": (june(6), Reason.TRANSACTION_DELAY)},
    ),
    Sentence(
        "4.5 SH7",
        "a delay of its own may be none, where the shop's is not",
        {"capture_delay_days": 3},
        {"capture_delay": "0"},
        {"capture_date": (june(1), Reason.TRANSACTION_DELAY)},
    ),
    Sentence(
        "4.5 SH7",
        "an empty delay says nothing",
        {"capture_delay_days": 3},
        {"capture_delay": ""},
        {"capture_date": (june(4), Reason.SHOP_DELAY)},
    ),
    Sentence(
        "4.5 SH7",
        "a year is the longest: 365 stands",
        {},
        {"capture_delay": "365"},
        {"capture_date": (IN_A_YEAR, Reason.TRANSACTION_DELAY)},
    ),
    Sentence(
        "4.5 SH7",
        "a year is the longest: 366 is taken as 365",
        {},
        {"capture_delay": "366"},
        {"capture_date": (IN_A_YEAR, Reason.DELAY_LIMITED)},
    ),
    Sentence(
        "4.5 SH7",
        "a year is the longest: so is any number of digits",
        {},
        {"capture_delay": "9" * 60},
        {"capture_date": (IN_A_YEAR, Reason.DELAY_LIMITED)},
    ),
    Sentence(
        "4.5 SH7",
        "a year is the longest: a date further out is drawn in",
        {},
        {"capture_date": date(2029, 1, 1)},
        {"capture_date": (IN_A_YEAR, Reason.DELAY_LIMITED)},
    ),
    Sentence(
        "4.5 SH7",
        "a registered payment may be given another date, which goes before its delay",
        {"capture_delay_days": 3},
        {"capture_delay": "5", "capture_date": june(20)},
        {"capture_date": (june(20), Reason.TRANSACTION_DATE)},
    ),
    Sentence(
        "4.5 SH7",
        "the default delay is not for payments that are typed in: they must bring their date",
        {"capture_delay_days": 3},
        {**TYPED, "validation_mode": "0"},
        {
            "capture_date": (None, Reason.MANUAL_ENTRY_NEEDS_DATE),
            "course.deferred": (None, Reason.MANUAL_ENTRY_NEEDS_DATE),
        },
    ),
    Sentence(
        "4.5 SH7",
        "a payment that is typed in is captured on the date that was typed",
        {"capture_delay_days": 3},
        {**TYPED, "capture_date": june(2), "validation_mode": "0"},
        {"capture_date": (june(2), Reason.TRANSACTION_DATE)},
    ),
)

RELEASE = (
    Sentence(
        "4.6 SH8",
        "the merchant chooses: automatic",
        {"validation_mode": AUTOMATIC},
        {},
        {"validation_mode": (AUTOMATIC, Reason.SHOP_MODE)},
    ),
    Sentence(
        "4.6 SH8",
        "the merchant chooses: manual",
        {"validation_mode": MANUAL},
        {},
        {"validation_mode": (MANUAL, Reason.SHOP_MODE)},
    ),
    Sentence(
        "4.6 SH7",
        "the date can be changed as long as the payment is not captured, automatic",
        {"capture_delay_days": 3},
        {},
        {"course.change_until": (june(4), Reason.UNTIL_CAPTURED)},
    ),
    Sentence(
        "4.6 SH7",
        "the date can be changed as long as the payment is not captured, manual",
        {"capture_delay_days": 3, "validation_mode": MANUAL},
        {},
        {"course.change_until": (june(8), Reason.UNTIL_AUTHORIZATION_EXPIRES)},
    ),
    Sentence(
        "4.6 SH8",
        "automatic: the platform sends it to capture by itself",
        {},
        {},
        {
            "course.validate_until": (None, Reason.RELEASED_BY_PLATFORM),
            "course.expire_date": (None, Reason.RELEASED_BY_PLATFORM),
        },
    ),
    *(
        Sentence(
            "4.6 SH8",
            f"manual: it waits past its date until the authorization expires, {brand!r} after {days} days",
            {"capture_delay_days": 2, "validation_mode": MANUAL},
            {"brand": brand},
            {
                "authorization_validity_days": (days, reason),
                "course.expire_date": (last, Reason.UNTIL_AUTHORIZATION_EXPIRES),
                "course.validate_until": (last, Reason.UNTIL_AUTHORIZATION_EXPIRES),
            },
        )
        for brand, days, last, reason in (
            ("CB", 7, june(8), Reason.BRAND_VALIDITY),
            ("VISA", 7, june(8), Reason.BRAND_VALIDITY),
            ("VISA_ELECTRON", 7, june(8), Reason.BRAND_VALIDITY),
            ("Visa Electron", 7, june(8), Reason.BRAND_VALIDITY),
            ("VPAY", 7, june(8), Reason.BRAND_VALIDITY),
            ("V PAY", 7, june(8), Reason.BRAND_VALIDITY),
            ("MASTERCARD", 7, june(8), Reason.BRAND_VALIDITY),
            ("MAESTRO", 30, date(2026, 7, 1), Reason.BRAND_VALIDITY),
            ("SOME_OTHER", 7, june(8), Reason.USUAL_VALIDITY),
            ("", 7, june(8), Reason.USUAL_VALIDITY),
        )
    ),
    *(
        Sentence(
            "4.6 SH8",
            f"the request for payment may set a mode of its own: {text!r}",
            {"validation_mode": default},
            {"validation_mode": text},
            {"validation_mode": (mode, reason)},
        )
        for text, default, mode, reason in (
            ("", MANUAL, MANUAL, Reason.SHOP_MODE),
            ("0", MANUAL, AUTOMATIC, Reason.TRANSACTION_MODE),
            ("1", AUTOMATIC, MANUAL, Reason.TRANSACTION_MODE),
            ("NO", MANUAL, AUTOMATIC, Reason.TRANSACTION_MODE),
            ("YES", AUTOMATIC, MANUAL, Reason.TRANSACTION_MODE),
        )
    ),
    Sentence(
        "4.6 SH7",
        "the default mode is not for payments that are typed in: they must bring their mode",
        {"validation_mode": MANUAL},
        {**TYPED, "capture_date": june(2)},
        {
            "validation_mode": (None, Reason.MANUAL_ENTRY_NEEDS_MODE),
            "course.authorization": (None, Reason.MANUAL_ENTRY_NEEDS_MODE),
        },
    ),
)

DEFERRED = (
    Sentence(
        "4.6 SH9",
        "not deferred: an authorization of 7 days reaches the seventh",
        {},
        {"capture_delay": "7"},
        {
            "course.deferred": (False, Reason.WITHIN_AUTHORIZATION),
            "course.authorization": (Moment.AT_PAYMENT, Reason.AUTHORIZED_AT_PAYMENT),
            "course.information_request": (False, Reason.CARD_CHECKED_BY_AUTHORIZATION),
        },
    ),
    Sentence(
        "4.6 SH9",
        "deferred, when its validity is longer than the authorization's: the card is checked first",
        {},
        {"capture_delay": "8"},
        {
            "course.deferred": (True, Reason.BEYOND_AUTHORIZATION),
            "course.information_request": (True, Reason.CARD_CHECKED_FIRST),
        },
    ),
    Sentence(
        "4.6 SH9",
        "deferred by the shop's default as by the transaction's own delay",
        {"capture_delay_days": 8},
        {},
        {"course.deferred": (True, Reason.BEYOND_AUTHORIZATION)},
    ),
    Sentence(
        "4.6 SH9",
        "not deferred: Maestro's authorization reaches the thirtieth day",
        {},
        {"capture_delay": "30", "brand": "MAESTRO"},
        {"course.deferred": (False, Reason.WITHIN_AUTHORIZATION)},
    ),
    Sentence(
        "4.6 SH9",
        "deferred: and not the thirty-first",
        {},
        {"capture_delay": "31", "brand": "MAESTRO"},
        {"course.deferred": (True, Reason.BEYOND_AUTHORIZATION)},
    ),
    Sentence(
        "4.6 SH9",
        "deferred and automatic: authorized a day before its validity ends",
        {},
        {"capture_delay": "20"},
        {
            "course.authorization": (Moment.DAY_BEFORE_CAPTURE, Reason.AUTHORIZED_THE_DAY_BEFORE),
            "course.change_until": (june(21), Reason.UNTIL_CAPTURED),
            "course.expire_date": (None, Reason.RELEASED_BY_PLATFORM),
        },
    ),
    Sentence(
        "4.6 SH9",
        "deferred and manual: authorized at validation, expires if not validated by its date",
        {},
        {"capture_delay": "20", "validation_mode": "1"},
        {
            "course.authorization": (Moment.AT_VALIDATION, Reason.AUTHORIZED_AT_VALIDATION),
            "course.expire_date": (june(21), Reason.UNTIL_CAPTURE_DATE),
            "course.validate_until": (june(21), Reason.UNTIL_CAPTURE_DATE),
            "course.change_until": (june(21), Reason.UNTIL_CAPTURE_DATE),
        },
    ),
)

ATTEMPTS = (
    *(
        Sentence(
            "4.7 SH10",
            f"a refused buyer may try again: {extra} extra make {extra + 1} in all",
            {"extra_attempts": extra},
            {},
            {
                "further_attempts": (extra > 0, Reason.SHOP_ATTEMPTS),
                "attempts": (extra + 1, Reason.SHOP_ATTEMPTS),
            },
        )
        for extra in (0, 1, 3, 10)
    ),
    *(
        Sentence(
            "4.7 SH10",
            f"extra attempts are a matter of the redirected form, not of {source}",
            {"notify_refused_attempts": True},
            {"source": source},
            {
                "further_attempts": (False, Reason.NO_RETRY_OUTSIDE_FORM),
                "attempts": (1, Reason.NO_RETRY_OUTSIDE_FORM),
                "notify_refused_attempts": (False, Reason.NO_ATTEMPTS_OUTSIDE_FORM),
            },
        )
        for source in (Source.REST, Source.MANUAL_ENTRY, Source.BATCH)
    ),
    *(
        Sentence(
            "4.7 SH10",
            f"the notification URL may be called at each refused attempt: {ticked}",
            {"notify_refused_attempts": ticked},
            {},
            {"notify_refused_attempts": (ticked, Reason.SHOP_NOTIFICATION)},
        )
        for ticked in (True, False)
    ),
    *(
        Sentence(
            "4.7 SH10",
            f"it is called at the end of the payment anyway, and never for an abandoned one: {source}",
            {},
            {"source": source},
            {
                "notify_end": (True, Reason.END_NOTIFIED),
                "notify_abandonment": (False, Reason.ABANDONMENT_NOT_NOTIFIED),
            },
        )
        for source in Source
    ),
    *(
        Sentence(
            "4.7 SH10",
            f"extra attempts are not offered for a payment in several: {notation}",
            {"notify_refused_attempts": True},
            {"instalments": notation},
            {
                "further_attempts": (False, Reason.NO_RETRY_FOR_INSTALMENTS),
                "attempts": (1, Reason.NO_RETRY_FOR_INSTALMENTS),
                "notify_refused_attempts": (True, Reason.SHOP_NOTIFICATION),
            },
        )
        for notation in (
            "MULTI:first=5000;count=4;period=30",
            "MULTI_EXT:20260602=5000;20260702=15000",
        )
    ),
    *(
        Sentence(
            "4.7 SH10",
            f"extra attempts are not offered for a method without them: {method!r} {retries}",
            {},
            {"method": method, "method_retries": retries},
            {"further_attempts": (further, reason)},
        )
        for method, retries, further, reason in (
            ("", None, True, Reason.SHOP_ATTEMPTS),
            ("ONEY_3X_4X", None, False, Reason.NO_RETRY_FOR_METHOD),
            ("COFIDIS_4X_FR", None, False, Reason.NO_RETRY_FOR_METHOD),
            ("ONEY_3X_4X", True, True, Reason.SHOP_ATTEMPTS),
            ("SOME_WALLET", False, False, Reason.NO_RETRY_FOR_METHOD),
        )
    ),
    Sentence(
        "4.7 SH10",
        "extra attempts are not offered where the form takes the buyer back after a refusal",
        {},
        {"redirect_error_timeout": True},
        {"further_attempts": (False, Reason.NO_RETRY_BEFORE_REDIRECT)},
    ),
)
SENTENCES = (*CAPTURE, *RELEASE, *DEFERRED, *ATTEMPTS)


@pytest.mark.parametrize("sentence", SENTENCES, ids=lambda sentence: f"{sentence.place} {sentence.says}")
def test_what_the_manual_says_is_what_follows(sentence: Sentence) -> None:
    rules = resolve(replace(SHOP, **sentence.settings), replace(PAYMENT, **sentence.facts))

    for path, (value, reason) in sentence.follows.items():
        found: Any = reduce(getattr, path.split("."), rules)
        assert Answer(value, reason) == found, path
        assert type(value) is type(found.value), path


def test_every_reason_stands_in_a_sentence_of_its_chapter() -> None:
    told = {(reason, each.place.split()[0]) for each in SENTENCES for _, reason in each.follows.values()}
    of_schedules = {reason for reason in Reason if reason.chapter == "3"}

    assert told == {(reason, reason.chapter) for reason in set(Reason) - of_schedules}


def test_a_payment_that_is_typed_in_and_bare_lacks_both() -> None:
    rules = resolve(SHOP, replace(PAYMENT, source=Source.MANUAL_ENTRY))

    assert rules.violations == (
        ("capture_date", Reason.MANUAL_ENTRY_NEEDS_DATE),
        ("validation_mode", Reason.MANUAL_ENTRY_NEEDS_MODE),
    )


@pytest.mark.parametrize("source", [each for each in Source if each is not Source.MANUAL_ENTRY])
def test_other_payments_lack_nothing(source: Source) -> None:
    assert resolve(SHOP, replace(PAYMENT, source=source)).violations == ()


@pytest.mark.parametrize(
    ("delay", "mode", "day"),
    [("7", "0", june(1)), ("7", "1", june(1)), ("8", "0", june(8)), ("8", "1", None)],
)
def test_the_day_of_authorization_is_told_where_it_is_known(delay: str, mode: str, day: date | None) -> None:
    rules = resolve(SHOP, replace(PAYMENT, capture_delay=delay, validation_mode=mode))

    assert day == rules.course.authorization_date


def test_a_delay_of_its_own_names_the_date_of_a_payment_that_is_typed_in() -> None:
    typed = replace(PAYMENT, source=Source.MANUAL_ENTRY, capture_delay="2", validation_mode="1")

    assert Answer(june(3), Reason.TRANSACTION_DELAY) == resolve(SHOP, typed).capture_date


def test_the_longest_delay_of_a_shop_is_that_of_a_transaction() -> None:
    longest = replace(SHOP, capture_delay_days=LONGEST_DELAY)

    assert Answer(IN_A_YEAR, Reason.SHOP_DELAY) == resolve(longest, PAYMENT).capture_date

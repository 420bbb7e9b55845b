"""Facts that no transaction and no shop can have are refused, by their field and their rule."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir_rules import BadFact, Settings, Source, Transaction, resolve

PAYMENT = Transaction(datetime(2026, 6, 1, 10, tzinfo=UTC), Source.FORM, 20_000, "EUR", "CB")
SHOP = Settings("Europe/Paris")


@given(
    field=st.sampled_from(("brand", "method", "instalments", "capture_delay", "validation_mode")),
    value=st.text() | st.sampled_from(("²", "٣", "-1", "1.0", " 1", "MULTI:", "MULTI_EXT:99999999=1")),
)
def test_any_text_gives_rules_or_names_its_field(field: str, value: str) -> None:
    changed: dict[str, Any] = {field: value}

    refused = _refusal(replace(PAYMENT, **changed))

    assert refused is None or refused.field == field


def _refusal(transaction: Transaction) -> BadFact | None:
    try:
        resolve(SHOP, transaction)
    except BadFact as refused:
        return refused
    return None


@pytest.mark.parametrize(
    ("field", "rule", "value"),
    [
        ("time", "aware", PAYMENT.time.replace(tzinfo=None)),
        ("time", "range", datetime.max.replace(tzinfo=UTC)),
        ("time", "range", datetime.min.replace(tzinfo=UTC)),
        ("source", "choice", "FORM"),
        ("amount_minor", "range", -1),
        ("amount_minor", "range", 10**12),
        ("currency_code", "currency", "eur"),
        ("currency_code", "currency", "EURO"),
        ("currency_code", "currency", "٩٧٨"),
        ("capture_delay", "days", "-1"),
        ("capture_delay", "days", "1.5"),
        ("capture_delay", "days", " 1"),
        ("capture_delay", "days", "³"),
        ("capture_date", "not_before_transaction", date(2026, 5, 31)),
        ("validation_mode", "choice", "2"),
        ("validation_mode", "choice", "yes"),
    ],
)
def test_a_fact_that_no_transaction_has_is_refused_by_field_and_rule(
    field: str, rule: str, value: Any
) -> None:
    with pytest.raises(BadFact) as refused:
        resolve(SHOP, replace(PAYMENT, **{field: value}))

    assert (refused.value.field, refused.value.rule) == (field, rule)
    assert field in {each.name for each in fields(Transaction)}


@pytest.mark.parametrize(
    ("field", "rule", "value"),
    [
        ("time_zone", "time_zone", "Mars/Olympus"),
        ("time_zone", "time_zone", "Europe"),
        ("time_zone", "time_zone", ""),
        ("time_zone", "time_zone", "../../etc/passwd"),
        ("time_zone", "time_zone", "Europe/Paris\0"),
        ("capture_delay_days", "range", 366),
        ("capture_delay_days", "range", -1),
        ("extra_attempts", "range", 11),
        ("validation_mode", "choice", "MANUAL"),
    ],
)
def test_settings_that_no_shop_has_are_refused_by_field_and_rule(field: str, rule: str, value: Any) -> None:
    with pytest.raises(BadFact) as refused:
        resolve(replace(SHOP, **{field: value}), PAYMENT)

    assert (refused.value.field, refused.value.rule) == (field, rule)

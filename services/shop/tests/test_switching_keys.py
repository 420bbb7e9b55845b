"""Integrations that take up a new key at moments of their own are never refused within the overlap (SH12)."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import pytest

from services.chassis.vault.secret import Secret
from services.shop.answers import Answer
from services.shop.credentials import Credentials
from services.shop.forms import Form
from services.shop.judge import Judge
from services.shop.key_uses import Use
from services.shop.signatures import HMAC_SHA_256, sign_answer, sign_form
from services.shop.tests.shops_of_keys import FORM, NOW, shop, value
from services.shop.verdicts import ShopKeys, Verdict

INTEGRATIONS = 20
OVERLAP = timedelta(hours=24)
FORMER = {"form-test": "1" * 16, "rest-password-test": "testpassword_" + "A" * 45}
NEW = {"form-test": "2" * 16, "rest-password-test": "testpassword_" + "B" * 45}


def keys_at(time: datetime) -> ShopKeys:
    """The shop's keys, rotated at `NOW`."""
    if time < NOW:
        return shop(*(value(key, secret) for key, secret in FORMER.items()))
    return shop(
        *(value(key, secret, 2) for key, secret in NEW.items()),
        *(value(key, secret, 1, OVERLAP) for key, secret in FORMER.items()),
    )


def calls(judge: Judge, by: str, held: dict[str, str], time: datetime) -> list[Verdict]:
    """What one integration does: a form, an answer of the server, a call with its password."""
    form = Form(FORM, sign_form(FORM, Secret(held["form-test"]), HMAC_SHA_256))
    signed = sign_answer(b"some_answer", Secret(held["rest-password-test"]))
    answer = Answer("some_answer", signed, "password", "sha256_hmac")
    credentials = Credentials.of("12345678", held["rest-password-test"])
    assert credentials is not None
    keys = keys_at(time)
    return [
        judge.form(keys, form, time, by),
        judge.answer(keys, answer, time, by),
        judge.credentials(keys, credentials, time, by),
    ]


@pytest.mark.parametrize("seed", range(5))
def test_no_call_is_refused_whenever_within_the_overlap_each_integration_switches(seed: int) -> None:
    chance = random.Random(seed)
    switches = [NOW + OVERLAP * chance.random() for _ in range(INTEGRATIONS)]
    times = [NOW + OVERLAP * chance.uniform(-0.5, 2) for _ in range(100)]
    edges = [NOW, NOW + OVERLAP - timedelta(microseconds=1), NOW + OVERLAP]
    used: set[Use] = set()
    judge = Judge(lambda use, time: used.add(use))

    refused = [
        found
        for number, switch in enumerate(switches)
        for time in sorted([*times, *edges])
        for found in calls(judge, f"shop-{number}", NEW if time >= switch else FORMER, time)
        if not found.valid
    ]

    assert refused == []
    assert {use.generation for use in used} == {1, 2}


def test_who_did_not_switch_is_told_since_when_the_former_key_is_retired() -> None:
    judge = Judge(lambda use, time: None)
    last, late = NOW + OVERLAP - timedelta(microseconds=1), NOW + OVERLAP

    assert all(found.state == "KEY_VALUE_STATE_FORMER" for found in calls(judge, "late", FORMER, last))
    for found in calls(judge, "late", FORMER, late):
        assert (found.valid, found.cause) == (False, "CAUSE_RETIRED_KEY")
        assert found.value is not None
        assert found.value.retire_time == NOW + OVERLAP

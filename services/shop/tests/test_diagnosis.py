"""A refusal names its cause, to those who may know it, and never helps to find a right signature."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.vault.secret import Secret
from services.shop.answers import Answer
from services.shop.budget import Budget
from services.shop.credentials import Credentials
from services.shop.diagnosis import MOST_SIGNED, Effort
from services.shop.diagnosis import of_answer as of_answer_within
from services.shop.diagnosis import of_form as of_form_within
from services.shop.forms import Form
from services.shop.judge import Judge
from services.shop.key_uses import Use
from services.shop.rewriting import LARGEST, MOST_WRITTEN, rewritten_bodies
from services.shop.signatures import HMAC_SHA_256, SHA_1, sign_answer, sign_form
from services.shop.tests.shops_of_keys import DEMO, FORM, FORM_KEY, NOW, shop, value
from services.shop.verdicts import ShopKeys, Verdict

RETIRED = (value("form-test", "9" * 16, 2), value("form-test", FORM_KEY, 1, -timedelta(days=3)))
ANSWER = '{"shopId":"12345678","orderStatus":"PAID","orderDetails":{"mode":"TEST","note":"à / b"}}'


def judge() -> Judge:
    return Judge(lambda use, now: None)


def of_form(fields: Mapping[str, str], signature: str, keys: ShopKeys | None = None, **known: Any) -> Verdict:
    return judge().form(keys or shop(), Form(fields, signature, **known), NOW, "")


def of_answer(text: str, signature: str, keys: ShopKeys | None = None, **known: str) -> Verdict:
    given = {"hash_key": "sha256_hmac", "hash_algorithm": "sha256_hmac", **known}
    return judge().answer(keys or shop(), Answer(text, signature, **given), NOW, "")


def of_password(password: str, keys: ShopKeys | None = None) -> Verdict:
    given = Credentials.of("12345678", password)
    assert given is not None
    return judge().credentials(keys or shop(), given, NOW, "")


def signed(joined: str | bytes, key: str = FORM_KEY) -> str:
    """What an integration sends that joined its values so."""
    text = joined.encode() if isinstance(joined, str) else joined
    return base64.b64encode(hmac.digest(key.encode(), text + b"+" + key.encode(), "sha256")).decode()


def hashed(text: str | bytes, key: str = DEMO["hmac-test"]) -> str:
    return sign_answer(text.encode() if isinstance(text, str) else text, Secret(key))


RIGHT = sign_form(FORM, Secret(FORM_KEY), HMAC_SHA_256)
ACCENTS = {**FORM, "vads_cust_name": "Évelyne Çağ".replace("ğ", "g")}
MIXED = {**FORM, "vads_Zone": "NC", "vads_ship_10": "x", "vads_ship_2": "y"}


@pytest.mark.parametrize(
    ("expected", "fields", "signature"),
    [
        ("OTHER_ENVIRONMENT", FORM, signed("+".join(FORM.values()), DEMO["form-production"])),
        ("WRONG_KEY_FAMILY", FORM, signed("+".join(FORM.values()), DEMO["rest-password-test"])),
        ("WRONG_KEY_FAMILY", FORM, signed("+".join(FORM.values()), DEMO["hmac-production"])),
        ("WRONG_ALGORITHM", FORM, sign_form(FORM, Secret(FORM_KEY), SHA_1)),
        ("WRONG_ALGORITHM", FORM, base64.b64decode(RIGHT).hex()),
        ("FIELD_ORDER", MIXED, signed("+".join(MIXED[n] for n in sorted(MIXED, key=str.lower)))),
        ("CHARSET", ACCENTS, signed("+".join(ACCENTS[n] for n in sorted(ACCENTS)).encode("latin-1"))),
        (
            "CHARSET",
            ACCENTS,
            signed("+".join(ACCENTS[n] for n in sorted(ACCENTS)).encode().decode("latin-1").encode()),
        ),
        ("TRUNCATED", FORM, RIGHT[:-1]),
        ("TRUNCATED", FORM, RIGHT[:30]),
        ("TRUNCATED", FORM, f" {RIGHT}\r\n"),
        ("TRUNCATED", FORM, RIGHT.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")),
        ("TRUNCATED", FORM, RIGHT.replace("/", "_")),
        (
            "BODY_REENCODED",
            {**FORM, "vads_info": " x "},
            sign_form({**FORM, "vads_info": "x"}, Secret(FORM_KEY), HMAC_SHA_256),
        ),
        ("MISSING_FIELD", {**FORM, "vads_added": "later"}, RIGHT),
        ("MISSING_FIELD", {**FORM, "vads_a": "", "vads_b": ""}, RIGHT),
        ("MISSING_FIELD", {n: v for n, v in FORM.items() if n != "vads_ctx_mode"}, RIGHT),
        ("MISSING_FIELD", {**FORM, "vads_ctx_mode": "test"}, RIGHT),
        ("MISSING_FIELD", FORM, ""),
        ("OTHER_SHOP", {**FORM, "vads_site_id": "87654321"}, RIGHT),
        ("UNKNOWN", FORM, "nonsense"),
        ("UNKNOWN", {**FORM, "vads_amount": "1"}, RIGHT),
    ],
)
def test_a_form_is_refused_with_its_cause(expected: str, fields: Mapping[str, str], signature: str) -> None:
    found = of_form(fields, signature)

    assert (False, f"CAUSE_{expected}", False) == (found.valid, found.cause, found.undiagnosed)
    assert found.message


def test_a_signature_whose_plus_became_a_space_is_told() -> None:
    fields = next(
        {**FORM, "vads_order_id": str(n)}
        for n in range(1000)
        if "+" in sign_form({**FORM, "vads_order_id": str(n)}, Secret(FORM_KEY), HMAC_SHA_256)
    )
    right = sign_form(fields, Secret(FORM_KEY), HMAC_SHA_256)

    assert of_form(fields, right.replace("+", " ")).cause == "CAUSE_TRUNCATED"


def test_the_order_received_is_told_when_the_values_were_joined_so() -> None:
    backwards = list(FORM.items())[::-1]
    received = backwards[3:] + backwards[:3]

    found = of_form(dict(received), signed("+".join(item for _, item in received)), received=received)

    assert found.cause == "CAUSE_FIELD_ORDER"


def test_a_field_received_twice_is_told() -> None:
    received = [*FORM.items(), ("vads_amount", "1")]

    assert of_form(dict(received), RIGHT, received=received).cause == "CAUSE_REPEATED_FIELD"


def test_a_retired_value_is_told_with_its_key_and_since_when() -> None:
    found = of_form(FORM, RIGHT, shop(*RETIRED))

    assert (found.valid, found.cause, found.state) == (False, "CAUSE_RETIRED_KEY", "KEY_VALUE_STATE_RETIRED")
    assert found.value is RETIRED[1]
    assert "form-test" in found.message
    assert "2026-11-21T12:00:00+00:00" in found.message


def test_a_key_that_expired_is_refused_as_retired() -> None:
    expired = shop(value("form-test", FORM_KEY, 1, -timedelta(seconds=1)))

    assert of_form(FORM, RIGHT, expired).cause == "CAUSE_RETIRED_KEY"


def test_the_deprecated_algorithm_of_a_shop_is_told_from_the_other() -> None:
    old = shop(algorithm=SHA_1)
    right = sign_form(FORM, Secret(FORM_KEY), SHA_1)

    assert of_form(FORM, right, old).valid
    assert of_form(FORM, RIGHT, old).cause == "CAUSE_WRONG_ALGORITHM"
    assert of_form(FORM, right.upper(), old).cause == "CAUSE_TRUNCATED"


def test_keys_that_are_not_there_and_closed_shops_are_told() -> None:
    production = {**FORM, "vads_ctx_mode": "PRODUCTION"}
    right = sign_form(production, Secret(DEMO["form-production"]), HMAC_SHA_256)
    password = DEMO["rest-password-production"]

    assert of_form(production, right).valid
    assert of_form(production, right, shop(without="form-production")).cause == "CAUSE_KEY_NOT_GENERATED"
    assert of_form(production, right, shop(closed=True)).cause == "CAUSE_SHOP_CLOSED"
    assert of_form(FORM, RIGHT, shop(closed=True)).valid
    assert of_password(password, shop(closed=True)).cause == "CAUSE_SHOP_CLOSED"
    assert of_password(password, shop(without="rest-password-production")).cause == "CAUSE_KEY_NOT_GENERATED"


@pytest.mark.parametrize(
    ("expected", "text", "signature"),
    [
        ("OTHER_ENVIRONMENT", ANSWER, hashed(ANSWER, DEMO["hmac-production"])),
        ("WRONG_KEY_FAMILY", ANSWER, hashed(ANSWER, DEMO["rest-password-test"])),
        ("WRONG_KEY_FAMILY", ANSWER, hashed(ANSWER, FORM_KEY)),
        ("BODY_REENCODED", json.dumps(json.loads(ANSWER)), hashed(ANSWER)),
        ("BODY_REENCODED", json.dumps(json.loads(ANSWER), indent=4), hashed(ANSWER)),
        ("BODY_REENCODED", ANSWER, hashed(ANSWER.replace("/", "\\/"))),
        ("BODY_REENCODED", ANSWER + "\n", hashed(ANSWER)),
        ("BODY_REENCODED", ANSWER.replace('"', "&quot;"), hashed(ANSWER)),
        ("CHARSET", ANSWER, hashed(ANSWER.encode("latin-1"))),
        ("CHARSET", ANSWER.encode().decode("latin-1"), hashed(ANSWER)),
        ("TRUNCATED", ANSWER, hashed(ANSWER)[:40]),
        ("TRUNCATED", ANSWER, hashed(ANSWER).upper()),
        ("WRONG_ALGORITHM", ANSWER, base64.b64encode(bytes.fromhex(hashed(ANSWER))).decode()),
        ("WRONG_ALGORITHM", ANSWER, hashlib.sha256((ANSWER + DEMO["hmac-test"]).encode()).hexdigest()),
        ("MISSING_FIELD", ANSWER, ""),
        ("REPEATED_FIELD", ANSWER.replace('"mode"', '"mode":"PRODUCTION","mode"'), hashed(ANSWER)),
        ("REPEATED_FIELD", ANSWER[:-1] + ',"mode":"PRODUCTION"}', hashed(ANSWER)),
        ("MISSING_FIELD", ANSWER.replace("TEST", "LIVE"), hashed(ANSWER)),
        ("UNREADABLE", ANSWER + ",", hashed(ANSWER + ",")),
        ("UNREADABLE", "{'mode': 'TEST'}", hashed("{'mode': 'TEST'}")),
        ("UNKNOWN", ANSWER + ",", "nonsense"),
        ("UNKNOWN", ANSWER, "nonsense"),
        ("UNKNOWN", "", hashed(ANSWER)),
    ],
)
def test_an_answer_is_refused_with_its_cause(expected: str, text: str, signature: str) -> None:
    found = of_answer(text, signature)

    assert (False, f"CAUSE_{expected}", False) == (found.valid, found.cause, found.undiagnosed)
    assert found.message


@pytest.mark.parametrize("without", ["", "hmac-test"])
def test_an_answer_of_production_that_does_not_say_so_is_refused_as_the_closed_shops(without: str) -> None:
    text = ANSWER.replace('"mode":"TEST",', "")
    closed = shop(closed=True, without=without)

    found = of_answer(text, hashed(text, DEMO["hmac-production"]), closed)

    assert (found.cause, found.environment) == ("CAUSE_SHOP_CLOSED", "ENVIRONMENT_PRODUCTION")
    assert of_answer(text, hashed(text), closed).valid == (not without)


@pytest.mark.parametrize("key", ["", "PASSWORD", "form"])
def test_other_keys_and_algorithms_of_answers_are_refused(key: str) -> None:
    right = hashed(ANSWER)

    assert of_answer(ANSWER, right, hash_key=key).cause == "CAUSE_UNSUPPORTED_KEY"
    assert of_answer(ANSWER, right, hash_algorithm="sha1").cause == "CAUSE_UNSUPPORTED_ALGORITHM"


def test_slashes_that_were_escaped_on_the_way_do_not_count() -> None:
    found = of_answer(ANSWER.replace("/", "\\/"), hashed(ANSWER))

    assert found.valid


@pytest.mark.parametrize("hash_key", ["password", "sha256_hmac"])
@pytest.mark.parametrize("expected", ["", "ENVIRONMENT_TEST", "ENVIRONMENT_PRODUCTION"])
@pytest.mark.parametrize("mode", ["TEST", "PRODUCTION", ""])
@pytest.mark.parametrize("key", ["test", "production"])
def test_no_key_validates_an_answer_of_the_other_environment(
    hash_key: str, expected: str, mode: str, key: str
) -> None:
    text = ANSWER.replace("TEST", mode)
    use = "rest-password" if hash_key == "password" else "hmac"

    found = of_answer(text, hashed(text, DEMO[f"{use}-{key}"]), hash_key=hash_key, expected=expected)

    belongs = {said for said in (mode, expected.removeprefix("ENVIRONMENT_")) if said} <= {key.upper()}
    assert belongs == found.valid
    assert belongs or found.cause == "CAUSE_OTHER_ENVIRONMENT"


@pytest.mark.parametrize(
    ("expected", "password"),
    [
        ("WRONG_KEY_FAMILY", FORM_KEY),
        ("WRONG_KEY_FAMILY", DEMO["hmac-test"]),
        ("TRUNCATED", DEMO["rest-password-test"] + "\n"),
        ("UNKNOWN", DEMO["rest-password-test"][:-1]),
        ("UNKNOWN", "x"),
    ],
)
def test_a_password_is_refused_with_its_cause(expected: str, password: str) -> None:
    found = of_password(password)

    assert (False, f"CAUSE_{expected}") == (found.valid, found.cause)


def test_a_retired_password_is_told() -> None:
    former = value("rest-password-test", DEMO["rest-password-test"], 1, -timedelta(days=1))
    keys = shop(value("rest-password-test", "testpassword_" + "A" * 45, 2), former)

    found = of_password(DEMO["rest-password-test"], keys)

    assert ("CAUSE_RETIRED_KEY", former) == (found.cause, found.value)


@given(st.integers(1, 21))
def test_a_short_piece_of_a_right_signature_is_told_from_no_other_wrong_one(length: int) -> None:
    guess = RIGHT[:length]
    wrong = guess[:-1] + ("A" if guess[-1:] != "A" else "B")

    assert of_form(FORM, wrong) == of_form(FORM, guess)


def test_refusals_beyond_the_budget_are_not_looked_into_and_it_fills_again() -> None:
    clock = [0.0]
    uses: list[Use] = []
    bounded = Judge(lambda use, now: uses.append(use), each=Budget(1, 3, lambda: clock[0]))

    def causes(count: int) -> list[tuple[str, bool]]:
        found = [bounded.form(shop(), Form(FORM, RIGHT[:-1]), NOW, "engine") for _ in range(count)]
        return [(each.cause, each.undiagnosed) for each in found]

    told, untold = ("CAUSE_TRUNCATED", False), ("CAUSE_UNKNOWN", True)
    assert causes(5) == [told] * 3 + [untold] * 2
    clock[0] = 2.0
    assert causes(3) == [told] * 2 + [untold]
    assert bounded.form(shop(), Form(FORM, RIGHT), NOW, "engine").valid
    assert uses == [Use("acme", "12345678", "form-test", 1, "engine/form")]


def test_what_is_too_large_is_judged_and_not_looked_into() -> None:
    large = {**FORM, "vads_order_info": "x" * LARGEST}
    right = sign_form(large, Secret(FORM_KEY), HMAC_SHA_256)

    assert of_form(large, right).valid
    assert of_form(large, right[:-1]).undiagnosed
    assert of_answer("x" * (LARGEST + 1), "nonsense").undiagnosed


@pytest.mark.parametrize("each", ["x" * 8, "&" * 8, "é" * 8, "\U0001f6d2" * 8])
def test_what_is_signed_in_search_of_one_cause_is_bounded(each: str) -> None:
    fields: dict[str, str] = dict(FORM)
    while sum(len(name) + len(text) for name, text in fields.items()) < LARGEST - 30:
        fields[f"vads_{len(fields)}"] = each
    text = ANSWER.replace("note", each * (LARGEST // len(each) - 20))
    keys = shop(
        *(value("form-test", f"{n:016}", n, timedelta(days=1)) for n in range(20, 0, -1)),
        *(value("hmac-test", f"{n:032}", n, timedelta(days=1)) for n in range(20, 0, -1)),
    )
    for_form, for_answer = Effort(), Effort()

    assert of_form_within(keys, Form(fields, "nonsense"), NOW, for_form) is None
    assert (
        of_answer_within(keys, Answer(text, "nonsense", "sha256_hmac", "sha256_hmac"), NOW, for_answer)
        is None
    )
    # The last one counts, and is not used.
    largest = 12 * LARGEST
    assert -largest < for_form.left < MOST_SIGNED / 2
    assert -largest < for_answer.left < MOST_SIGNED / 2


@pytest.mark.parametrize(
    ("text", "readable"),
    [
        ("[" * 30_000, False),
        ('{"a":' * 6_000 + "1" + "}" * 6_000, False),
        ("1" * 20_000, True),
        ('"\\ud800"', True),
    ],
)
def test_hostile_json_is_a_verdict(text: str, readable: bool) -> None:
    assert of_answer(text, "nonsense").cause == "CAUSE_UNKNOWN"
    assert of_answer(text, hashed(text)).valid == readable


@pytest.mark.parametrize("depth", [0, 8, 60, 900])
def test_what_is_written_anew_of_the_largest_answers_is_bounded(depth: int) -> None:
    text = "[" * depth + "[" + "1," * ((LARGEST - 2 * depth - 4) // 2) + "1]" + "]" * depth

    assert sum(map(len, rewritten_bodies(text))) <= MOST_WRITTEN


def test_an_answer_written_with_indents_is_told_by_each_value_that_is_valid() -> None:
    keys = shop(value("hmac-test", "a" * 40, 2), value("hmac-test", DEMO["hmac-test"], 1, timedelta(days=3)))
    indented = json.dumps(json.loads(ANSWER), indent=2, ensure_ascii=False)

    assert [
        of_answer(ANSWER, hashed(indented, key), keys).cause for key in ("a" * 40, DEMO["hmac-test"])
    ] == ["CAUSE_BODY_REENCODED"] * 2


@pytest.mark.parametrize(
    "text",
    [
        '{"n":' + "9" * 5000 + ',"orderDetails":{"mode":"PRODUCTION"}}',
        '{"mode":"PRODUCTION","n":' + "[" * 2000 + "]" * 2000 + "}",
        '\ufeff{"mode":"PRODUCTION"}',
        '{"mode":"PRODUCTION"}\x00',
        '{"mode":"PRODUCTION","note":"a\tb"}',
        '{"mode":"PRODUCTION",}',
        '{"mode":"production"}',
        '{"mode":" PRODUCTION "}',
        '{"mode":["PRODUCTION"]}',
        '{"a":{"b":{"c":{"mode":"PRODUCTION"}}}}',
        '[{"mode":"PRODUCTION"}]',
    ],
)
@pytest.mark.parametrize("expected", ["", "ENVIRONMENT_TEST"])
def test_no_test_key_makes_an_answer_valid_that_some_reader_takes_for_production(
    text: str, expected: str
) -> None:
    assert not of_answer(text, hashed(text), expected=expected).valid


def test_the_metadata_of_a_merchant_are_no_mode() -> None:
    text = '{"metadata":{"mode":"drone"},"orderDetails":{"mode":"TEST"}}'

    assert of_answer(text, hashed(text)).valid

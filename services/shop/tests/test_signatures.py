"""Signatures reproduce the public vectors, and hold for nothing but what was signed."""

from __future__ import annotations

import json
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.vault.secret import Secret
from services.shop import answers, credentials, forms
from services.shop.answers import Answer
from services.shop.credentials import Credentials
from services.shop.forms import Form
from services.shop.judge import Judge
from services.shop.keys import KINDS
from services.shop.signatures import HMAC_SHA_256, SHA_1, sign_answer, sign_form
from services.shop.tests.shops_of_keys import DEMO, FORM, FORM_KEY, NOW, shop, value

HMAC_VECTOR = "ycA5Do5tNvsnKdc/eP1bj2xa19z9q3iWPy9/rpesfS0="
SHA_1_VECTOR = "59c96b34c74b9375c332b0b6a32e6deeec87de2b"
NAMES = st.text(max_size=12).map("vads_".__add__)
FIELDS = st.dictionaries(NAMES, st.text(max_size=30), max_size=8).map(lambda given: {**FORM, **given})


@pytest.mark.parametrize(("algorithm", "expected"), [(HMAC_SHA_256, HMAC_VECTOR), (SHA_1, SHA_1_VECTOR)])
def test_forms_are_signed_as_the_public_vectors_are(algorithm: str, expected: str) -> None:
    assert expected == sign_form(FORM, Secret(FORM_KEY), algorithm)
    assert forms.judge(shop(algorithm=algorithm), Form(FORM, expected), NOW).valid


def test_answers_are_signed_as_the_public_vector_is() -> None:
    expected = "8434fd6a93d9d12f709ca5a47cea66f2b34bab2fb77c04fcf19f066b0ef139fa"

    assert expected == sign_answer(b"some_answer", Secret("test"))


def test_empty_values_and_unknown_fields_count_and_other_fields_do_not() -> None:
    fields = {"vads_b": "", "vads_a": "1", "vads_made_up": "é", "other": "x"}
    same = {"vads_made_up": "é", "vads_a": "1", "vads_b": ""}

    assert sign_form(same, Secret("k"), SHA_1) == sign_form(fields, Secret("k"), SHA_1)
    assert sign_form(same, Secret("k"), SHA_1) != sign_form({**same, "vads_c": ""}, Secret("k"), SHA_1)


@given(FIELDS, st.randoms(use_true_random=False))
def test_any_order_of_fields_is_the_same_form(fields: dict[str, str], random: Random) -> None:
    shuffled = list(fields.items())
    random.shuffle(shuffled)
    signature = sign_form(fields, Secret(FORM_KEY), HMAC_SHA_256)

    assert signature == sign_form(dict(shuffled), Secret(FORM_KEY), HMAC_SHA_256)
    if fields["vads_ctx_mode"] == "TEST" and fields["vads_site_id"] == "12345678":
        assert forms.judge(shop(), Form(dict(shuffled), signature, shuffled), NOW).valid


@given(st.sampled_from(sorted(set(FORM) - {"vads_ctx_mode"})), st.integers(0, 40), st.integers(1, 127))
def test_a_form_with_any_character_changed_is_refused(name: str, place: int, flip: int) -> None:
    text = FORM[name]
    at = place % len(text)
    changed = {**FORM, name: text[:at] + chr(ord(text[at]) ^ flip) + text[at + 1 :]}

    assert not forms.judge(shop(), Form(changed, HMAC_VECTOR), NOW).valid


@given(st.binary(min_size=1, max_size=200), st.integers(0, 10_000), st.integers(1, 255))
def test_an_answer_or_a_hash_with_any_bit_flipped_is_refused(body: bytes, place: int, flip: int) -> None:
    text = body.decode("latin-1")
    right = sign_answer(text.encode(), Secret(DEMO["hmac-test"]))
    other = text[: (at := place % len(text))] + chr(ord(text[at]) ^ flip) + text[at + 1 :]
    hash_at = place % len(right)
    wrong = right[:hash_at] + chr(ord(right[hash_at]) ^ (flip % 127 + 1)) + right[hash_at + 1 :]

    # What differs by escaped slashes alone is one answer, as the platform family has it.
    if other.replace("\\/", "/") != text.replace("\\/", "/"):
        assert not answers.judge(shop(), Answer(other, right, "sha256_hmac", "sha256_hmac"), NOW).valid
    assert not answers.judge(shop(), Answer(text, wrong, "sha256_hmac", "sha256_hmac"), NOW).valid


@given(FIELDS, st.sampled_from(["1" * 16, "2" * 16]), st.timedeltas(timedelta(0), timedelta(days=7)))
def test_within_an_overlap_both_values_verify_and_the_verdict_says_which(
    fields: dict[str, str], key: str, passed: timedelta
) -> None:
    overlap = timedelta(days=7)
    keys = shop(value("form-test", "2" * 16, 2), value("form-test", "1" * 16, 1, overlap))
    fields = {**fields, "vads_ctx_mode": "TEST", "vads_site_id": "12345678"}
    form = Form(fields, sign_form(fields, Secret(key), HMAC_SHA_256))

    found = forms.judge(keys, form, NOW + passed)

    is_former = key == "1" * 16
    expected = "KEY_VALUE_STATE_FORMER" if is_former else "KEY_VALUE_STATE_CURRENT"
    assert (not is_former or passed < overlap) == found.valid
    assert not found.valid or expected == found.state


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=40), max_size=6), st.text(max_size=60))
def test_no_form_of_any_strings_is_more_than_a_verdict(fields: dict[str, str], signature: str) -> None:
    for mode in ({}, {"vads_ctx_mode": "TEST"}, {"vads_ctx_mode": "PRODUCTION"}):
        form = Form({**fields, **mode}, signature, list(fields.items()))

        assert not judge().form(shop(), form, NOW, "").valid


@given(st.text(max_size=80), st.text(max_size=70), st.sampled_from(["password", "sha256_hmac", ""]))
def test_no_answer_of_any_strings_is_more_than_a_verdict(text: str, given: str, key: str) -> None:
    assert not judge().answer(shop(), Answer(text, given, key, "sha256_hmac"), NOW, "").valid


@given(
    st.recursive(
        st.none() | st.booleans() | st.text(max_size=10) | st.sampled_from(["TEST", "PRODUCTION"]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["mode", "orderDetails", "transactions", "x"]), inner, max_size=4
            )
        ),
        max_leaves=12,
    )
)
def test_the_mode_of_any_json_is_read_or_none(read: object) -> None:
    text = json.dumps(read)
    modes: list[object] = []

    def seen(part: dict[str, object]) -> dict[str, object]:
        modes.append(part.get("mode"))
        return part

    json.loads(text, object_hook=seen)
    said = [mode for mode in modes if mode not in (None, "")]
    try:
        found = answers.environment(text)
    except answers.Doubtful:
        assert said
        assert said not in (["TEST"] * len(said), ["PRODUCTION"] * len(said))
    else:
        assert {f"ENVIRONMENT_{mode}" for mode in said} == ({found} if found else set())


@given(st.text(max_size=30), st.text(max_size=60), st.text(max_size=60))
def test_no_credentials_of_any_strings_are_more_than_a_verdict(user: str, password: str, header: str) -> None:
    for given_ in (
        Credentials.of(user, password),
        Credentials.of("12345678", password),
        Credentials.of_header(header),
        Credentials.of_header(f"Basic {header}"),
    ):
        if given_ is not None:
            assert not judge().credentials(shop(), given_, NOW, "").valid


@pytest.mark.parametrize("key_id", ["rest-password-test", "rest-password-production"])
def test_the_password_itself_tells_the_environment(key_id: str) -> None:
    right = Credentials.of("12345678", DEMO[key_id])
    assert right is not None

    found = credentials.judge(shop(), right, NOW)

    assert found.valid
    assert KINDS[key_id].environment == found.environment


def judge() -> Judge:
    """One that has looked into nothing yet."""
    return Judge(lambda use, now: None)

"""Whatever is received as a form, an answer or credentials: the outcome is a verdict, never an error of the service."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from comptoir.shop.v1 import signature_pb2
from services.chassis.errors import Invalid, NotFound
from services.shop.tests.counter import Counter

Verdict = signature_pb2.Verdict
ODD_TEXTS = (
    "",
    " ",
    "\0",
    "\r\n",
    "é" * 40,
    "e\u0301",
    "\ufeff",
    "\u202e",
    "\U0001f6d2",
    "１２３４５６７８",
    "%00",
    "&amp;",
    "+",
    "=" * 44,
    "A" * 43 + "=",
    "0" * 64,
    "null",
    "\ufffd",
    "'; drop table shops; --",
)
FORM = {"vads_ctx_mode": "TEST", "vads_amount": "5124", "vads_currency": "978"}


def forms() -> list[dict[str, Any]]:
    """Forms with something odd in each part."""
    found: list[dict[str, Any]] = []
    for text in ODD_TEXTS:
        found += [
            {"fields": FORM, "signature": text},
            {"fields": {**FORM, "vads_unknown_field": text}, "signature": text or "x"},
            {"fields": {**FORM, "vads_" + text: "x"}, "signature": "x"},
            {"fields": {**FORM, text: "x"}, "signature": "x"},
            {"fields": {**FORM, "vads_ctx_mode": text}, "signature": "x"},
            {"fields": {**FORM, "vads_site_id": text}, "signature": "x"},
            {
                "receivedFields": [_field("vads_ctx_mode", "TEST"), _field("vads_a", text)] * 2,
                "signature": "x",
            },
            {"receivedFields": [_field(text, text), _field("vads_ctx_mode", "TEST")], "signature": text},
        ]
    found += [
        {},
        {"signature": "x"},
        {"fields": {"vads_ctx_mode": "PRODUCTION"}, "signature": "x"},
        {"fields": {"VADS_CTX_MODE": "TEST"}, "signature": "x"},
    ]
    return found


def answers() -> list[dict[str, Any]]:
    """Answers with something odd in each part."""
    usual = {"krHashKey": "password", "krHashAlgorithm": "sha256_hmac", "krHash": "0" * 64, "krAnswer": "{}"}
    whole = (
        *ODD_TEXTS,
        "[]",
        "{",
        '{"mode":1e999}',
        '{"mode":null}',
        '{"mode":"TEST","mode":"TEST"}',
        '{"a":' * 3000,
        "[" * 100_000,
        '"\\ud800"',
        "-",
        "NaN",
        '{"\\u0000":1}',
    )
    found = [{**usual, "krAnswer": text} for text in whole]
    for field in ("krHash", "krHashKey", "krHashAlgorithm"):
        found += [{**usual, field: text} for text in ODD_TEXTS]
    return [*found, {}, {**usual, "environment": "ENVIRONMENT_PRODUCTION"}]


def credentials() -> list[dict[str, Any]]:
    """Credentials with something odd in each part."""
    found: list[dict[str, Any]] = [{}, {"user": "12345678"}, {"password": "x"}]
    for text in ODD_TEXTS:
        token = base64.b64encode(text.encode()).decode()
        found += [
            {"user": text, "password": "x"},
            {"user": "00000000", "password": text},
            {"authorization": text},
            {"authorization": f"Basic {text}"},
            {"authorization": f"Basic {token}"},
            {"authorization": f"Bearer {token}"},
        ]
    found.append({"authorization": "Basic " + base64.b64encode(b"\xff\xfe:x").decode()})
    found.append({"authorization": "Basic " + base64.b64encode(b"00000000:\xff").decode()})
    return found


def _field(name: str, value: str) -> dict[str, str]:
    return {"name": name, "value": value}


@pytest.mark.parametrize(
    ("kind", "given"), [("form", forms()), ("answer", answers()), ("credentials", credentials())]
)
def test_whatever_is_received_gets_a_verdict_alone_as_in_a_batch(
    counter: Counter, kind: str, given: list[dict[str, Any]]
) -> None:
    shop = counter.opened()
    named = given if kind == "credentials" else [{"shop": shop, **each} for each in given]
    method = f"SignatureService/Verify{kind.title()}"
    batch = {"verifications": [{kind: each} for each in named]}

    alone = [counter.call(method, Verdict, each, service="payment-engine") for each in named]
    answer = signature_pb2.BatchVerifyResponse
    together = counter.call("SignatureService/BatchVerify", answer, batch, service="payment-engine").verdicts

    for asked, verdict, again in zip(named, alone, together, strict=True):
        assert not verdict.valid, asked
        assert verdict.cause != signature_pb2.CAUSE_UNSPECIFIED, asked
        assert verdict.message, asked
        # Only how far it was looked into may differ: that has its budget.
        assert not again.valid
        assert verdict.undiagnosed or again.undiagnosed or verdict.cause == again.cause, asked


@pytest.mark.parametrize("name", ["", "-", "shops/12345678", "companies/-/shops/../x"])
def test_a_shop_that_cannot_be_is_refused_by_its_field(counter: Counter, name: str) -> None:
    with pytest.raises(Invalid) as refused:
        counter.call("SignatureService/VerifyForm", Verdict, {"shop": name}, service="payment-engine")
    assert {violation.field for violation in refused.value.violations} == {"shop"}


def test_a_foreign_shop_is_an_unknown_one_and_a_verdict_where_others_are_judged(counter: Counter) -> None:
    shop = counter.opened(company="victim")
    foreign = f"companies/acme/shops/{shop[-8:]}"
    form = {"shop": foreign, "fields": FORM, "signature": "x"}

    with pytest.raises(NotFound):
        counter.call("SignatureService/VerifyForm", Verdict, form, service="payment-engine")
    with pytest.raises(NotFound):
        counter.call("SignatureService/VerifyForm", Verdict, {**form, "shop": shop})
    batch, answer = {"verifications": [{"form": form}]}, signature_pb2.BatchVerifyResponse
    (verdict,) = counter.call(
        "SignatureService/BatchVerify", answer, batch, service="payment-engine"
    ).verdicts
    assert (verdict.cause, verdict.shop) == (signature_pb2.CAUSE_UNKNOWN_SHOP, "")

"""Shops with keys of demo values, opened as the service has them in memory, for tests of verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from services.chassis.vault.secret import Secret
from services.shop.key_values import KeyValue
from services.shop.keys import KINDS, KeyKind
from services.shop.signatures import HMAC_SHA_256
from services.shop.verdicts import ShopKeys

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
FORM_KEY = "1122334455667788"
DEMO: dict[str, str] = {
    "form-test": FORM_KEY,
    "rest-password-test": "testpassword_DEMOPRIVATEKEY23G4475zXZQ2UA5x7M",
    "hmac-test": "38453613e7f44dc58732bad3dca2bca3",
    "form-production": "8877665544332211",
    "rest-password-production": "prodpassword_DEMOPRIVATEKEY23G4475zXZQ2UA5x7M",
    "hmac-production": "3acb2dac3dbd23678cd44f7e35163548",
}
FORM: Mapping[str, str] = {
    "vads_action_mode": "INTERACTIVE",
    "vads_amount": "5124",
    "vads_ctx_mode": "TEST",
    "vads_currency": "978",
    "vads_page_action": "PAYMENT",
    "vads_payment_config": "SINGLE",
    "vads_site_id": "12345678",
    "vads_trans_date": "20170129130025",
    "vads_trans_id": "123456",
    "vads_version": "V2",
}
"""The form of the public vector."""


def value(key_id: str, secret: str, generation: int = 1, retires: timedelta | None = None) -> KeyValue:
    """A value of a key that retires so long after `NOW`."""
    retire_time = None if retires is None else NOW + retires
    return KeyValue(
        KINDS[key_id], generation, f"{generation:06x}", retire_time, Secret(secret), counted=generation
    )


def shop(
    *changed: KeyValue, without: str = "", algorithm: str = HMAC_SHA_256, closed: bool = False
) -> ShopKeys:
    """A shop with the demo keys; the values given take the place of their key's, newest first."""
    replaced = {each.kind.key_id for each in changed}
    values = [*changed, *(value(key, secret) for key, secret in DEMO.items() if key not in replaced)]

    def of(kind: KeyKind) -> tuple[KeyValue, ...]:
        return tuple(each for each in values if each.kind is kind and kind.key_id != without)

    return ShopKeys("acme", "12345678", algorithm, closed, of)

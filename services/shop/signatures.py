"""The form signature: the values of all `vads_` fields in byte order of their names, joined by `+`, with the key.

Source: the platform family's public integration documentation; the vectors are in the tests.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping

from services.chassis.errors import Invalid
from services.chassis.vault.secret import Secret
from services.shop.keys import KINDS, KeyKind

HMAC_SHA_256, SHA_1 = "SIGNATURE_ALGORITHM_HMAC_SHA_256", "SIGNATURE_ALGORITHM_SHA_1"
_MODES = {"TEST": KINDS["form-test"], "PRODUCTION": KINDS["form-production"]}


def sign_form(fields: Mapping[str, str], key: Secret, algorithm: str) -> str:
    """The value of the `signature` field."""
    names = sorted((name for name in fields if name.startswith("vads_")), key=str.encode)
    text = "+".join([*(fields[name] for name in names), key.reveal_text()]).encode()
    if algorithm == SHA_1:
        # Deprecated by the platform family, and still what some integrations speak.
        return hashlib.sha1(text, usedforsecurity=False).hexdigest()
    return base64.b64encode(hmac.digest(key.reveal(), text, "sha256")).decode()


def form_key(fields: Mapping[str, str], shop_id: str) -> KeyKind:
    """Which key a form is signed with; refuses a form of no mode, or of another shop."""
    mode = fields.get("vads_ctx_mode", "")
    if mode not in _MODES:
        raise Invalid.field("fields[vads_ctx_mode]", "ctx_mode", "must be TEST or PRODUCTION")
    if fields.get("vads_site_id", shop_id) != shop_id:
        raise Invalid.field("fields[vads_site_id]", "site_id", "must be the public id of the shop")
    return _MODES[mode]

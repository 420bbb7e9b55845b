"""How forms and answers are signed: pure functions of what is signed, the key and the algorithm.

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
MODES = {"TEST": KINDS["form-test"], "PRODUCTION": KINDS["form-production"]}
"""The form key by the value of `vads_ctx_mode`."""
ANSWER_ALGORITHM = "sha256_hmac"
"""The one lawful value of `kr-hash-algorithm`."""
ANSWER_KEYS = {"password": "rest-password", "sha256_hmac": "hmac"}
"""By the value of `kr-hash-key`, how the id of the key that signs begins."""


def signed_names(fields: Mapping[str, str]) -> list[str]:
    """The names of the fields that count, in the order in which their values are joined."""
    return sorted(name for name in fields if name.startswith("vads_"))


def join(fields: Mapping[str, str]) -> str:
    """What a form's signature covers, before the key is appended."""
    # Code points sort as their UTF-8 bytes do.
    return "+".join([fields[name] for name in signed_names(fields)])


def form_signature(joined: bytes, key: Secret, algorithm: str) -> str:
    """The signature over values that are joined already."""
    text = joined + b"+" + key.reveal()
    if algorithm == SHA_1:
        # Deprecated by the platform family, and still what some integrations speak.
        return hashlib.sha1(text, usedforsecurity=False).hexdigest()
    return base64.b64encode(_hmac(key, text).digest()).decode()


def sign_form(fields: Mapping[str, str], key: Secret, algorithm: str) -> str:
    """The value of the `signature` field."""
    return form_signature(join(fields).encode(), key, algorithm)


def sign_answer(answer: bytes, key: Secret) -> str:
    """The value of `kr-hash`, over the answer as it travels."""
    return _hmac(key, answer).hexdigest()


def _hmac(key: Secret, text: bytes) -> hmac.HMAC:
    # Not `hmac.digest`: that lets go of the interpreter's lock however short the text, and getting it back among busy
    # threads takes ten times as long as the hashing.
    return hmac.new(key.reveal(), text, "sha256")


def same(ours: str, given: str) -> bool:
    """Whether two signatures are alike, in a time that does not tell how far they are."""
    return hmac.compare_digest(ours.encode(), given.encode())


def form_key(fields: Mapping[str, str], shop_id: str) -> KeyKind:
    """Which key a form is signed with; refuses a form of no mode, or of another shop."""
    mode = fields.get("vads_ctx_mode", "")
    if mode not in MODES:
        raise Invalid.field("fields[vads_ctx_mode]", "ctx_mode", "must be TEST or PRODUCTION")
    if fields.get("vads_site_id", shop_id) != shop_id:
        raise Invalid.field("fields[vads_site_id]", "site_id", "must be the public id of the shop")
    return MODES[mode]


def answer_key(hash_key: str, environment: str) -> KeyKind:
    """Which key an answer is signed with, for a lawful `kr-hash-key`."""
    word = "production" if environment == "ENVIRONMENT_PRODUCTION" else "test"
    return KINDS[f"{ANSWER_KEYS[hash_key]}-{word}"]

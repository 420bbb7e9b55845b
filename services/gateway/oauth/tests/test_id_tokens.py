"""Hints are believed only if we issued them, as ID tokens."""

from __future__ import annotations

import base64
import hmac
import json
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from services.chassis.testing.tokens import ISSUER, Mint
from services.gateway.oauth.id_tokens import Hint, IdTokens

MINT = Mint()
TOKENS = IdTokens(ISSUER, MINT.find)


def token(header: dict[str, Any] | None = None, key: ECKey | None = None, **changes: Any) -> str:
    claims = {"iss": ISSUER, "sub": "ada", "aud": "demo-app", "exp": 1, **changes}
    return jwt.encode({"alg": "ES256", "kid": "test-key", **(header or {})}, claims, key or MINT.key)


def unsigned() -> str:
    head = _encoded(json.dumps({"alg": "none", "kid": "test-key"}).encode())
    return f"{head}.{token().split('.')[1]}."


def hmac_by_public_key() -> str:
    """Made by hand: the library itself refuses to."""
    parts = [{"alg": "HS256", "kid": "test-key"}, {"iss": ISSUER, "sub": "ada", "aud": "demo-app"}]
    body = ".".join(_encoded(json.dumps(part).encode()) for part in parts)
    mac = hmac.digest(MINT.key.as_pem(private=False), body.encode(), "sha256")
    return f"{body}.{_encoded(mac)}"


def _encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).decode().rstrip("=")


def test_an_expired_id_token_is_still_a_hint() -> None:
    assert TOKENS.read(token({"typ": "JWT"})) == Hint("ada", "demo-app")


@pytest.mark.parametrize(
    "forged",
    [
        MINT.token(),
        token({"typ": "at+jwt"}),
        token({"kid": "another"}),
        token(key=ECKey.generate_key("P-256")),
        token(iss="https://attacker.example"),
        token(aud=["demo-app", "another"]),
        token(sub=7),
        token()[:-3],
        unsigned(),
        hmac_by_public_key(),
        "",
        "é",
        "a.b.c",
        "x" * 9000,
    ],
)
def test_anything_else_is_not(forged: str) -> None:
    assert TOKENS.read(forged) is None

"""What a client signs to say who it is (RFC 7523 3): for us, for minutes, and for one request."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError

from services.chassis.public_keys import ALGORITHMS, imported
from services.identity.oauth.refusals import invalid_client

LONGEST_LIFE = timedelta(minutes=5)
LEEWAY = timedelta(seconds=5)
_LONGEST_ID = 256
_TYPES = (None, "JWT", "client-authentication+jwt")
_HEADERS = frozenset({"typ", "alg", "kid"})


@dataclass(frozen=True)
class Assertion:
    """A good one: its id, which must not have been used, and until when that has to be remembered."""

    assertion_id: str
    expire_time: datetime


def read(text: str, jwks: str, client_id: str, audiences: Collection[str], now: datetime) -> Assertion:
    """The assertion, or the one refusal for whatever is wrong with it."""
    try:
        claims = _claims(text, json.loads(jwks)["keys"])
        return _checked(claims, client_id, audiences, now)
    except (JoseError, ValueError, TypeError, LookupError, RecursionError, OverflowError, OSError):
        # The last is how times are refused that no calendar has.
        raise invalid_client() from None


def _claims(text: str, keys: list[dict[str, Any]]) -> dict[str, Any]:
    header = jws.extract_compact(text.encode("ascii")).headers()
    if not header.keys() <= _HEADERS or header.get("typ") not in _TYPES:
        raise ValueError
    # A client of several keys says which; the one of a single key need not.
    named = [key for key in keys if key["kid"] == header.get("kid", keys[0]["kid"] if len(keys) == 1 else "")]
    key = named[0]
    payload = jws.deserialize_compact(text, imported(key), algorithms=[ALGORITHMS[key["kty"]]]).payload
    claims = json.loads(payload)
    if not isinstance(claims, dict):
        raise TypeError
    return claims


def _checked(claims: dict[str, Any], client_id: str, audiences: Collection[str], now: datetime) -> Assertion:
    audience, assertion_id = claims["aud"], claims["jti"]
    if isinstance(audience, list):
        (audience,) = audience
    if claims["iss"] != client_id or claims["sub"] != client_id or audience not in audiences:
        raise ValueError
    # Encoded, since half a surrogate is in JSON's texts but has no digest.
    if not isinstance(assertion_id, str) or not 0 < len(assertion_id.encode()) <= _LONGEST_ID:
        raise ValueError
    expires = _time(claims["exp"])
    if not now - LEEWAY < expires <= now + LONGEST_LIFE + LEEWAY:
        raise ValueError
    for name in ("iat", "nbf"):
        if name in claims and _time(claims[name]) > now + LEEWAY:
            raise ValueError
    return Assertion(assertion_id, expires + LEEWAY)


def _time(value: object) -> datetime:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    return datetime.fromtimestamp(value, UTC)

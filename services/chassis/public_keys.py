"""Public keys that others show us (RFC 7517, RFC 7518 6): of two types, of known strength, without a private part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

ALGORITHMS = {"EC": "ES256", "RSA": "PS256"}
"""The one algorithm of each type of key."""
_MEMBERS = {"EC": ("kty", "crv", "x", "y"), "RSA": ("kty", "n", "e")}
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_SHORTEST_RSA_BITS, _LONGEST_RSA_BITS = 2048, 4096
_EXPONENT = "AQAB"
"""65537, what every key has. One that is as long as its modulus costs the verifier 25 times as much, at the choice of
whoever shows it."""


class KeyRefused(ValueError):
    """What is wrong with a key, in words that follow its name."""


def members(given: object) -> dict[str, str]:
    """The key's public members alone. Raises `KeyRefused`."""
    kind = given.get("kty") if isinstance(given, dict) else None
    if not isinstance(given, dict) or not isinstance(kind, str) or kind not in _MEMBERS:
        raise KeyRefused("must be of type EC or RSA")
    if _PRIVATE & given.keys():
        raise KeyRefused("holds private parts: send the public key alone, and replace this one")
    found = {name: given.get(name) for name in _MEMBERS[kind]}
    if not all(isinstance(value, str) for value in found.values()):
        raise KeyRefused("lacks members of its type")
    return {name: str(value) for name, value in found.items()}


def judged(public: Mapping[str, str]) -> tuple[ECKey | RSAKey, str]:
    """The key of these members, and its thumbprint (RFC 7638). Raises `KeyRefused`."""
    if public.get("e", _EXPONENT) != _EXPONENT:
        raise KeyRefused("must have the exponent 65537 (AQAB)")
    try:
        key = imported(public)
        thumbprint = key.thumbprint()
    except (JoseError, ValueError, TypeError):
        raise KeyRefused("is not a key") from None
    if isinstance(key, ECKey) and public["crv"] != "P-256":
        raise KeyRefused("must be on the curve P-256")
    if isinstance(key, RSAKey) and not _SHORTEST_RSA_BITS <= key.public_key.key_size <= _LONGEST_RSA_BITS:
        raise KeyRefused(f"must have {_SHORTEST_RSA_BITS} to {_LONGEST_RSA_BITS} bits")
    return key, thumbprint


def imported(jwk: Mapping[str, Any]) -> ECKey | RSAKey:
    """A key that was judged before."""
    return ECKey.import_key(dict(jwk)) if jwk["kty"] == "EC" else RSAKey.import_key(dict(jwk))

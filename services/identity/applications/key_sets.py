"""Public keys of applications that sign (RFC 7517): for two algorithms, and never a private part among them."""

from __future__ import annotations

import json
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from services.chassis.signing_keys import RSA_EXPONENT
from services.identity.profile import Findings

FIELD = "application.jwks"
MOST_KEYS = 5
_SHORTEST_RSA_BITS, _LONGEST_RSA_BITS = 2048, 4096
_PUBLIC = {"EC": ("kty", "crv", "x", "y"), "RSA": ("kty", "n", "e")}
ALGORITHMS = {"EC": "ES256", "RSA": "PS256"}
"""The one algorithm of each type of key."""


def settled(text: str, findings: Findings) -> str:
    """The set as it is kept, with an id on each key; or what is wrong with it."""
    try:
        given = json.loads(text)
        keys = given["keys"] if isinstance(given, dict) else None
    except (ValueError, KeyError, RecursionError):
        keys = None
    if not isinstance(keys, list) or not 1 <= len(keys) <= MOST_KEYS:
        findings.note(FIELD, "jwks", f"must be a JWK Set of one to {MOST_KEYS} keys, as JSON")
        return ""
    kept: dict[str, dict[str, Any]] = {}
    for n, key in enumerate(keys):
        found = _public(key)
        if isinstance(found, str):
            findings.note(FIELD, "jwk", f"key {n + 1} {found}")
        elif found["kid"] in kept:
            findings.note(FIELD, "jwk", f"key {n + 1} has the id of another")
        else:
            kept[found["kid"]] = found
    return json.dumps({"keys": list(kept.values())}, separators=(",", ":"))


def _public(given: object) -> dict[str, Any] | str:
    """The key with its public members alone, or what is wrong with it."""
    if not isinstance(given, dict) or given.get("kty") not in _PUBLIC:
        return "must be of type EC or RSA"
    if {"d", "p", "q", "dp", "dq", "qi", "oth", "k"} & given.keys():
        return "holds private parts: send the public key alone, and replace this one"
    members = {name: given.get(name) for name in _PUBLIC[given["kty"]]}
    if not all(isinstance(value, str) for value in members.values()):
        return "lacks members of its type"
    kid, algorithm = given.get("kid"), given.get("alg", ALGORITHMS[given["kty"]])
    if algorithm != ALGORITHMS[given["kty"]] or given.get("use", "sig") != "sig":
        return f"must be for {ALGORITHMS[given['kty']]}"
    if members.get("e", RSA_EXPONENT) != RSA_EXPONENT:
        return "must have the exponent 65537 (AQAB)"
    try:
        key = imported(members)
        thumbprint = key.thumbprint()
    except (JoseError, ValueError, TypeError):
        return "is not a key"
    if isinstance(key, ECKey) and members["crv"] != "P-256":
        return "must be on the curve P-256"
    if isinstance(key, RSAKey) and not _SHORTEST_RSA_BITS <= key.public_key.key_size <= _LONGEST_RSA_BITS:
        return f"must have {_SHORTEST_RSA_BITS} to {_LONGEST_RSA_BITS} bits"
    if kid is not None and not (isinstance(kid, str) and 0 < len(kid) <= 128 and kid.isprintable()):
        return "must have an id of at most 128 printable characters"
    return {**members, "kid": kid or thumbprint}


def imported(jwk: dict[str, Any]) -> ECKey | RSAKey:
    """The key of a set that is kept."""
    return ECKey.import_key(jwk) if jwk["kty"] == "EC" else RSAKey.import_key(jwk)

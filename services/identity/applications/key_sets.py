"""Public keys of applications that sign (RFC 7517): for two algorithms, and never a private part among them."""

from __future__ import annotations

import json
from typing import Any

from services.chassis.public_keys import ALGORITHMS, KeyRefused, judged, members
from services.identity.profile import Findings

FIELD = "application.jwks"
MOST_KEYS = 5


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
        try:
            found = _public(key)
        except KeyRefused as refused:
            findings.note(FIELD, "jwk", f"key {n + 1} {refused}")
            continue
        if found["kid"] in kept:
            findings.note(FIELD, "jwk", f"key {n + 1} has the id of another")
        else:
            kept[found["kid"]] = found
    return json.dumps({"keys": list(kept.values())}, separators=(",", ":"))


def _public(given: Any) -> dict[str, Any]:
    """The key with its public members alone and an id. Raises `KeyRefused`."""
    public = members(given)
    kid, algorithm = given.get("kid"), ALGORITHMS[public["kty"]]
    if given.get("alg", algorithm) != algorithm or given.get("use", "sig") != "sig":
        raise KeyRefused(f"must be for {algorithm}")
    _, thumbprint = judged(public)
    if kid is not None and not (isinstance(kid, str) and 0 < len(kid) <= 128 and kid.isprintable()):
        raise KeyRefused("must have an id of at most 128 printable characters")
    return {**public, "kid": kid or thumbprint}

"""The chain of a scope: each change's hash covers the one before, its own metadata, and a commitment to its values.

The values lie beside the chain, sealed, with a salt: destroying them leaves the commitment and so the chain intact.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

GENESIS = bytes(32)
"""The hash before the first change of a scope."""

METADATA = (
    "scope",
    "sequence",
    "time",
    "type",
    "resource",
    "history",
    "action",
    "fields",
    "actor",
    "client",
    "on_behalf_of",
    "reason",
    "request_id",
    "method",
    "schema_version",
)
"""What the chain covers, beside the commitment to the values."""


def canonical(value: Any) -> bytes:
    """One byte string a value: JSON with sorted keys and nothing between (RFC 8785 for what we store)."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def commitment(values: bytes) -> bytes:
    """What binds the chain to the values; they hold a random salt, so they cannot be guessed from it."""
    return hashlib.sha256(b"comptoir values\0" + values).digest()


def link(previous: bytes, metadata: Mapping[str, Any], committed: bytes) -> bytes:
    """The hash of a change."""
    covered = canonical({name: metadata[name] for name in METADATA})
    return hashlib.sha256(b"comptoir change\0" + previous + committed + covered).digest()


@dataclass(frozen=True)
class Break:
    """Where a chain does not hold, and why."""

    sequence: int
    problem: str


def verify(changes: Iterable[Mapping[str, Any]], head: tuple[int, bytes]) -> Break | None:
    """The first place where the chain of one scope is broken, or None. `head` is what its head row says."""
    previous, expected = GENESIS, 1
    for change in changes:
        if change["sequence"] != expected:
            return Break(expected, f"change {expected} is missing: {change['sequence']} stands in its place")
        if link(previous, change, change["commitment"]) != change["hash"]:
            return Break(expected, f"change {expected} was altered, or what came before it")
        previous, expected = change["hash"], expected + 1
    if head != (expected - 1, previous):
        return Break(expected, f"the head says {head[0]} changes, the chain ends at {expected - 1}")
    return None

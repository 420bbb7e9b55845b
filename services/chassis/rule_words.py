"""Broken rules of protovalidate in words for people, where its own are for programmers."""

from __future__ import annotations

from typing import Any

_HASH = "must be a SHA-256 hash in base64url, of 43 characters"
_LOGIN = "must be 2 to 64 letters, digits and . _ @ + -, of which the first is a letter or a digit"
_TYPE = "must be a type of resource, such as comptoir.shop/Shop"
PATTERNS = {
    r"^[!-~]*$": "must be visible ASCII characters, without blanks",
    r"^([0-9]{8})?$": "must be eight digits, or empty",
    r"^([A-Z]{3}|[0-9]{3})$": "must be three capital letters, or three digits",
    r"^([A-Za-z0-9_-]{43})?$": f"{_HASH}, or empty",
    r"^(users|services|applications)/[a-z0-9-]+$": "must be the name of an actor, such as services/shop",
    r"^[0-9A-Za-z.-]*$": "must be letters, digits, dots and hyphens",
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$": "must be a date such as 2026-12-01",
    r"^[0-9]{6}$": "must be six digits",
    r"^[0-9]{8}$": "must be eight digits",
    r"^[A-Z0-9_]*$": "must be capital letters, digits and underscores",
    r"^[A-Za-z0-9 -]*$": "must be letters, digits, spaces and hyphens",
    r"^[A-Za-z0-9._-]{1,64}$": "must be 1 to 64 letters, digits, dots, underscores and hyphens",
    r"^[A-Za-z0-9][A-Za-z0-9._@+-]{1,63}$": _LOGIN,
    r"^[A-Za-z0-9_-]{43}$": _HASH,
    r"^[A-Z]{2}$": "must be two capital letters",
    r"^[^\p{C}/\\]*$": "must be a file name without slashes and control characters",
    r"^[a-z][a-z0-9_]*([.][a-z][a-z0-9_]*)*$": "must be the path of a field, such as manager_contact.email",
    r"^[a-z_.]{1,64}$": "must be 1 to 64 small letters, underscores and dots",
    r"^comptoir[.][a-z]+/[A-Za-z]+$": _TYPE,
    r"^comptoir\.[a-z]+/[A-Za-z]+$": _TYPE,
}
"""What each pattern of the contract asks for; a test finds the one that is missing."""
_OTHERS = {
    "enum.defined_only": "must be one of the values that are listed",
    "enum.not_in": "must be stated",
    "map.max_pairs": "must hold at most {}",
    "repeated.max_items": "must hold at most {}",
    "repeated.unique": "must hold each value once",
    "required": "must be given",
}
_NOT_EMPTY = frozenset({"map.min_pairs", "repeated.min_items", "string.min_len"})


def words(rule: str, value: Any, message: str) -> str:
    """What must be, as a sentence without its subject. `value`: the rule's own; `message`: the validator's words."""
    if rule == "string.pattern":
        return PATTERNS.get(value, "must be in the form that is described")
    if rule == "string.in":
        return f"must be one of {', '.join(value)}"
    if rule in _NOT_EMPTY and value == 1:
        return "must not be empty"
    return _OTHERS[rule].format(value) if rule in _OTHERS else message

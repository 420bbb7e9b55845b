"""What an idempotency key is (draft-ietf-httpapi-idempotency-key-header), for both sides of a call."""

from __future__ import annotations

import re

METADATA = "idempotency-key"
"""Metadata of a call that holds the key, chosen by whoever sends it."""
REPLAYED = "idempotency-replayed"
"""Metadata of an answer that was given before."""
RULE, RULE_IN_WORDS = "idempotency_key", "must be 1 to 255 visible ASCII characters"
_FORM = re.compile(r"[\x21-\x7e]{1,255}")


def is_key(text: str) -> bool:
    """Whether the text can be a key."""
    return _FORM.fullmatch(text) is not None

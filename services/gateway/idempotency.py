"""The header `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): a write sent again has one effect."""

from __future__ import annotations

import re
from collections.abc import Iterator

from services.chassis.errors import Violation
from services.chassis.idempotency.keys import RULE, RULE_IN_WORDS, is_key
from services.gateway.routes import Route

HEADER = "Idempotency-Key"
FORM = r'^([\x21\x23-\x7e][\x21-\x7e]{0,254}|"[\x21\x23-\x5b\x5d-\x7e]{1,255}")$'
"""What the header looks like, bare or quoted, where nothing in it needs an escape."""
_STRING = re.compile(r'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"')
"""A string of structured fields (RFC 9651 3.3.3)."""
_ESCAPED = re.compile(r"\\(.)")


def takes_key(route: Route) -> bool:
    """Whether a key has a meaning: reading may be repeated anyway, and of nobody in particular nothing is kept."""
    return not route.method.reads_only and not route.is_public


def key(route: Route, given: str | None) -> str | None:
    """The key in the header, quoted as the draft has it or bare as many clients send it; None if there is none."""
    if given is None or not takes_key(route):
        return None
    text = given.strip()
    if not text.startswith('"'):
        return text
    quoted = _STRING.fullmatch(text)
    # What begins like a string and is none is no key either.
    return _ESCAPED.sub(r"\1", quoted[1]) if quoted else ""


def violations(route: Route, given: str | None) -> Iterator[Violation]:
    """What is wrong with the key."""
    found = key(route, given)
    if found is not None and not is_key(found):
        yield Violation(HEADER, RULE, RULE_IN_WORDS)

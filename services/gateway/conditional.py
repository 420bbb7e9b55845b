"""Conditional requests (RFC 9110 13): `If-Match` becomes the version to compare, `If-None-Match` saves a body."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from services.chassis.errors import Stale, Violation
from services.gateway.routes import Route

ANY = "*"
FORM = r'^(\*|"[\x21\x23-\x7e]*")$'
"""What `If-Match` looks like where it can match."""
_TAG = re.compile(r'(?P<weak>W/)?(?P<opaque>"[\x21\x23-\x7e]*")')
_HEADER = "If-Match"


def is_tag(text: str) -> bool:
    """Whether the text is a strong entity tag."""
    found = _TAG.fullmatch(text)
    return found is not None and not found["weak"]


def set_etag(route: Route, message: Any, given: str | None) -> Iterator[Violation]:
    """Hands the `If-Match` header on as the request's etag, and yields what is wrong with it."""
    if given is None or route.method.reads_only:
        return
    if not route.etag:
        yield Violation(_HEADER, "precondition", "this operation compares no version")
        return
    tag = given.strip()
    if tag.startswith("W/"):
        raise Stale("A weak entity tag never matches.")
    if tag != ANY and not is_tag(tag):
        yield Violation(_HEADER, "entity_tag", 'must be one entity tag, such as "5d41402abc4b2a76"')
        return
    target = message
    for step in route.etag[:-1]:
        target = getattr(target, step)
    if target.etag and target.etag != tag:
        yield Violation(_HEADER, "conflict", "is not the etag in the request")
    target.etag = tag


def matches(header: str, current: str, *, weak: bool) -> bool:
    """Whether the list of entity tags in a header holds the current one, by weak or by strong comparison."""
    if header.strip() == ANY:
        return True
    return any(found["opaque"] == current and (weak or not found["weak"]) for found in _TAG.finditer(header))

"""Requests from what the caller gave: text that cannot be sent is refused here, without being repeated."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from comptoir_client.errors import Invalid
from comptoir_client.wire import Method

_HALF_A_PAIR = re.compile("[\ud800-\udfff]")


def request(method: Method, **fields: Any) -> Any:
    """The request with these fields. Raises `Invalid` for text that no UTF-8 can hold: half a surrogate pair."""
    for name, value in fields.items():
        # Looked at beforehand: the error that encoding it raises would carry the text, which may be a password.
        if any(_HALF_A_PAIR.search(text) for text in _texts(value)):
            raise Invalid.field(name, "utf8", "must be text that can be written as UTF-8")
    return method.request(**fields)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.items():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)

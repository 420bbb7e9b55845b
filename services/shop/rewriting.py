"""An answer as others may have written it on its way: what a hash of the wrong text was made of."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Iterator
from urllib.parse import unquote

LARGEST = 32 * 1024
"""Characters of a form or an answer that is looked into; at most some hundred hashes are made of it."""
MOST_WRITTEN = 32 * LARGEST
"""Characters that are written anew of one answer, in all its forms together: a small text can have large ones."""
_DEEPEST = 32
"""Levels of an answer that is written anew. Those of the platform have six."""


def rewritten_bodies(text: str) -> Iterator[str]:
    """The answer as others may have written it, no more than `MOST_WRITTEN` characters in all."""
    left = MOST_WRITTEN
    for written in _bodies_anew(text):
        left -= len(written)
        if left < 0:
            return
        yield written


def _bodies_anew(text: str) -> Iterator[str]:
    yield from (text.strip(), html.unescape(text), unquote(text), text.replace('\\"', '"'))
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        return
    if _is_shallow(read):
        yield from _written_anew(read)


def _is_shallow(read: object) -> bool:
    level = [read]
    for _ in range(_DEEPEST):
        level = [part for each in level for part in _parts(each)]
        if not level:
            return True
    return False


def _parts(read: object) -> Iterable[object]:
    if isinstance(read, dict):
        return read.values()
    return read if isinstance(read, list) else ()


def _written_anew(read: object) -> Iterator[str]:
    """As the usual writers of JSON would."""
    for as_ascii in (False, True):
        for separators, indent in (
            ((",", ":"), None),
            ((", ", ": "), None),
            ((",", ": "), 2),
            ((",", ": "), 4),
        ):
            for by_name in (False, True):
                encoder = json.JSONEncoder(
                    ensure_ascii=as_ascii, separators=separators, indent=indent, sort_keys=by_name
                )
                written = _not_larger(encoder.iterencode(read))
                if written is not None:
                    yield written
                    yield written.replace("/", "\\/")


def _not_larger(pieces: Iterable[str]) -> str | None:
    """The pieces as one, unless that is too large: then no more of them are made than show it."""
    kept: list[str] = []
    left = 2 * LARGEST
    for piece in pieces:
        left -= len(piece)
        if left < 0:
            return None
        kept.append(piece)
    return "".join(kept)

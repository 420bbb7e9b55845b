"""Pages of a list (AIP-158). A token is opaque, bound to the method and the parent, and useless anywhere else."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from services.chassis.errors import Invalid

DEFAULT_SIZE = 50
MAXIMUM_SIZE = 200


@dataclass(frozen=True)
class Page:
    """Which rows to read: those after `after`, one more than `size`, so as to know whether more follow."""

    size: int
    after: tuple[str, ...] | None
    binding: str

    @property
    def limit(self) -> int:
        return self.size + 1

    def next_token(self, rows: Sequence[object], last: tuple[str, ...]) -> str:
        """Token of the next page, given the rows read with `limit` and the key of the last one shown."""
        return self.token(last) if len(rows) > self.size else ""

    def token(self, last: tuple[str, ...]) -> str:
        """Token of the page that begins behind this key."""
        packed = json.dumps([self.binding, *last], separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def page(page_size: int, page_token: str, *binding: str) -> Page:
    """The page asked for; a token made for another list is refused."""
    bound = hashlib.sha256("\0".join(binding).encode()).hexdigest()[:16]
    size = min(page_size or DEFAULT_SIZE, MAXIMUM_SIZE)
    if not page_token:
        return Page(size, None, bound)
    try:
        found = json.loads(base64.urlsafe_b64decode(page_token + "=" * (-len(page_token) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        found = None
    # What cannot be printed, such as NUL or half a surrogate pair, could not be sent to the database either.
    if (
        not isinstance(found, list)
        or len(found) < 2
        or not all(isinstance(part, str) and part.isprintable() for part in found)
        or found[0] != bound
    ):
        raise Invalid.field("page_token", "page_token", "is not a token of this list")
    return Page(size, tuple(found[1:]), bound)

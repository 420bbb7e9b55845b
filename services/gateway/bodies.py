"""Bytes of bodies that one process holds at once: bounded over all requests, and for each source to a part of that."""

from __future__ import annotations

from collections import Counter

from services.gateway.faults import Busy

MOST_BYTES = 64 * 1024 * 1024
_PART = 4
"""One source holds a quarter at most, however long it takes over its bodies."""


class Bodies:
    """What is held, by source. For one thread."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._held: Counter[str] = Counter()
        self._all = 0

    def hold(self, source: str, size: int) -> None:
        """Counts bytes that have come. Raises Busy if these are too many; `let_go` takes them back either way."""
        self._all += size
        self._held[source] += size
        if self._all > self._most or self._held[source] > self._most // _PART:
            raise Busy("Too many bodies are under way.", retry_after_seconds=1)

    def let_go(self, source: str, size: int) -> None:
        """Counts bytes that are gone."""
        self._all -= size
        self._held[source] -= size
        if not self._held[source]:
            del self._held[source]

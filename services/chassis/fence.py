"""Keeps slow work (password hashing, image decoding) from taking every thread of a server."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from services.chassis.errors import Exhausted


class Fence:
    """At most `places` at once. When all are taken, at most `waiting` more wait, and not for long, since a waiting
    call holds a thread as well; everybody else is told to come back. Whoever says whose they are leaves one
    of these places to others."""

    def __init__(self, places: int, *, waiting: int = 0, patience_seconds: float = 1.0) -> None:
        self._places = threading.BoundedSemaphore(places)
        self._most = places + waiting
        self._patience_seconds = patience_seconds
        self._lock = threading.Lock()
        self._present: Counter[str] = Counter()

    @contextmanager
    def enter(self, whose: str = "") -> Iterator[None]:
        """Holds a place for the length of the block."""
        self._come(whose)
        try:
            if not self._places.acquire(timeout=self._patience_seconds):
                raise _busy()
            try:
                yield
            finally:
                self._places.release()
        finally:
            self._go(whose)

    def _come(self, whose: str) -> None:
        with self._lock:
            if self._present.total() >= self._most or (whose and self._present[whose] >= self._most - 1):
                raise _busy()
            self._present[whose] += 1

    def _go(self, whose: str) -> None:
        with self._lock:
            self._present[whose] -= 1
            if not self._present[whose]:
                del self._present[whose]


def _busy() -> Exhausted:
    return Exhausted("Too much of this at once: try again.", reason="BUSY", retry_after_seconds=1)

"""Keeps slow work (password hashing, image decoding) from taking every thread of a server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from services.chassis.errors import Exhausted


class Fence:
    """At most `places` at once. When all are taken, at most `waiting` more wait, and not for long, since a waiting
    call holds a thread as well; everybody else is told to come back."""

    def __init__(self, places: int, *, waiting: int = 0, patience_seconds: float = 1.0) -> None:
        self._places = threading.BoundedSemaphore(places)
        self._present = threading.BoundedSemaphore(places + waiting)
        self._patience_seconds = patience_seconds

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Holds a place for the length of the block."""
        if not self._present.acquire(blocking=False):
            raise _busy()
        try:
            if not self._places.acquire(timeout=self._patience_seconds):
                raise _busy()
            try:
                yield
            finally:
                self._places.release()
        finally:
            self._present.release()


def _busy() -> Exhausted:
    return Exhausted("Too much of this at once: try again.", reason="BUSY", retry_after_seconds=1)

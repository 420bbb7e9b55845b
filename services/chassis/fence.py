"""Keeps slow work (password hashing, image decoding) from taking every thread of a server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from services.chassis.errors import Exhausted


class Fence:
    """At most `places` at once; whoever comes when all are taken is told to come back, not made to wait."""

    def __init__(self, places: int) -> None:
        self._places = threading.BoundedSemaphore(places)

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Holds a place for the length of the block."""
        if not self._places.acquire(blocking=False):
            raise Exhausted("Too much of this at once: try again.", reason="BUSY", retry_after_seconds=1)
        try:
            yield
        finally:
            self._places.release()

"""Tells the feed that something was committed. Told after the commit, and once for many: PostgreSQL serialises the
commits of transactions that notify, and a lost ring costs half a second at most, since the feed also looks by itself.
"""

from __future__ import annotations

import threading
import time
from typing import Any

import psycopg

from services.chassis import log
from services.chassis.db.database import LOST_HOST

CHANNEL = "comptoir_changes"
_PAUSE_SECONDS = 0.5
_SESSION = "-c synchronous_commit=off"
"""A ring that is lost loses nothing, so that none waits for the disk."""


class Bell:
    """Rings from a thread of its own, over a connection of its own."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._rung = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="bell", daemon=True)
        self._thread.start()

    def ring(self) -> None:
        """Says that a commit is done. Never waits."""
        self._rung.set()
        # Hands over the interpreter, which would stay with the call until that next waits.
        time.sleep(0)

    def close(self) -> None:
        self._stopping = True
        self._rung.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping:
            self._rung.wait()
            try:
                self._ring_on_one_connection()
            except psycopg.Error as error:
                log.event("bell lost its database", error=type(error).__name__)
                self._rung.clear()
                self._rung.wait(_PAUSE_SECONDS)

    def _ring_on_one_connection(self) -> None:
        options: dict[str, Any] = {**LOST_HOST, "options": _SESSION}
        with psycopg.connect(self._url, autocommit=True, connect_timeout=3, **options) as connection:
            while not self._stopping:
                self._rung.wait()
                self._rung.clear()
                connection.execute(f"notify {CHANNEL}")

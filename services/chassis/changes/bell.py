"""Tells the feed that a transaction is about to commit, so that it already waits when that is done.

The feed waits for the transaction's end by a lock that PostgreSQL sets free as soon as what was written can be seen
(`LOCKS`): neither the writer's thread nor a message has to come first. It is rung on a connection apart, since
PostgreSQL serialises the commits of transactions that notify. A lost ring costs half a second at most, since the feed
also looks by itself.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

import psycopg

from services.chassis import log
from services.chassis.db.database import LOST_HOST

CHANNEL = "comptoir_changes"
LOCKS = 0x636D7472
"""Class of the locks that writers hold to their end; any number that nothing else in the database uses."""
LOCK_BITS = 0x7FFFFFFF
"""So much of a transaction's id tells its lock from others; two that share one are 2³¹ transactions apart."""
_MOST_AT_ONCE = 200
"""Transactions in one ring: what is told with a notification is limited to 8000 bytes."""
_PAUSE_SECONDS = 0.5
_SESSION = "-c synchronous_commit=off"
"""A ring that is lost loses nothing, so that none waits for the disk."""


class Bell:
    """Rings from a thread of its own, over a connection of its own."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._rung = threading.Event()
        self._transactions: deque[str] = deque(maxlen=_MOST_AT_ONCE)
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="bell", daemon=True)
        self._thread.start()

    def ring(self, transaction: str) -> None:
        """Says that the transaction, which holds its lock, is about to commit. Never waits."""
        self._transactions.append(transaction)
        self._rung.set()

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
                transactions = [self._transactions.popleft() for _ in range(len(self._transactions))]
                connection.execute(f"notify {CHANNEL}, '{','.join(transactions)}'")

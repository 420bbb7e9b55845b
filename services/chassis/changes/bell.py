"""Tells the feed that a transaction is about to commit, so that it already waits when that is done.

The feed waits for the transaction's end by a lock that PostgreSQL sets free as soon as what was written can be seen
(`LOCKS`): neither the writer's thread nor a message has to come first. It is rung on a connection apart, since
PostgreSQL serialises the commits of transactions that notify. A lost ring costs half a second at most, since the feed
also looks by itself.
"""

from __future__ import annotations

import select
import threading
import time
from collections import deque
from typing import Any

import psycopg

from services.chassis import log
from services.chassis.db.database import LOST_HOST
from services.chassis.db.patience import AT_ONCE_SECONDS

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
    """Rings over a connection of its own, from the thread that commits: to hand it to another would take too long.

    A thread rings later what could not be rung at once: because the connection is away, or busy with the ring before.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._connection: psycopg.Connection | None = None
        self._transactions: deque[str] = deque(maxlen=_MOST_AT_ONCE)
        """Not rung yet."""
        self._behind = threading.Event()
        self._stopping = False
        self._pause = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bell", daemon=True)
        self._behind.set()
        self._thread.start()

    def ring(self, transaction: str) -> None:
        """Says that the transaction, which holds its lock, is about to commit. Never waits for an answer."""
        with self._lock:
            self._transactions.append(transaction)
            rung = self._connection is not None and self._send(self._connection)
        if not rung:
            self._behind.set()

    def close(self) -> None:
        self._stopping = True
        self._pause.set()
        self._behind.set()
        self._thread.join()

    def _send(self, connection: psycopg.Connection) -> bool:
        """Rings for all who wait for it, unless the ring before is still under way."""
        wire = connection.pgconn
        try:
            wire.consume_input()
            while not wire.is_busy():
                if wire.get_result() is None:
                    # Of ids alone: nothing in it needs to be quoted.
                    wire.send_query(f"notify {CHANNEL}, '{','.join(self._transactions)}'".encode())
                    self._transactions.clear()
                    return True
        except psycopg.OperationalError:
            self._connection = None
            connection.close()
        return False

    def _run(self) -> None:
        while not self._stopping:
            self._behind.wait()
            self._behind.clear()
            try:
                self._catch_up()
            except psycopg.OperationalError as error:
                log.event("bell lost its database", error=type(error).__name__)
                self._pause.wait(_PAUSE_SECONDS)
                self._behind.set()
        if self._connection is not None:
            self._connection.close()

    def _catch_up(self) -> None:
        """Rings for those who could not."""
        if self._connection is None:
            options: dict[str, Any] = {**LOST_HOST, "options": _SESSION}
            fresh = psycopg.connect(self._url, autocommit=True, connect_timeout=3, **options)
            with self._lock:
                self._connection = fresh
        until = time.monotonic() + AT_ONCE_SECONDS
        while not self._stopping:
            with self._lock:
                connection: psycopg.Connection | None = self._connection
                if connection is not None and (not self._transactions or self._send(connection)):
                    return
                if connection is not None and time.monotonic() > until:
                    # Nobody answers any more, on a host that lives.
                    connection.close()
                    self._connection = connection = None
            if connection is None:
                raise psycopg.OperationalError
            # Raises as well if it was closed meanwhile.
            select.select([connection.pgconn.socket], [], [], _PAUSE_SECONDS)

"""How long the server of a database is waited for, as its callers see it.

PostgreSQL itself ends what takes too long, and TCP gives up a host that vanished. A server that is frozen on a live
host does neither: its kernel goes on acknowledging. So nothing is waited for longer than the transaction may take, and
what any server does at once, such as to begin one, is waited for even less.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.errors import ConnectionTimeout

AT_ONCE_SECONDS = 3.0
"""For what costs a server nothing, however busy it is."""
LEAST_SECONDS = 0.5
"""Time that even what comes too late is given: a rollback, for one."""
REST_SECONDS = 1.0
"""How long a server that did not answer is left alone: meanwhile nobody waits for it, and everybody is told at once."""
_MARGIN = 1.05
"""The server's own time-out comes first, so that one that works says what was slow."""
T = TypeVar("T")


class Patient(psycopg.Connection[Any]):
    """A connection that is given up when its server says nothing for too long."""

    _since, _until = float("-inf"), float("inf")
    gave_up: Callable[[], None] = staticmethod(lambda: None)

    def be_patient(self, seconds: float) -> None:
        """From now on waits so long in all."""
        self._since = time.monotonic()
        self._until = self._since + seconds * _MARGIN

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        if timeout is not None:
            return super().wait(gen, interval, timeout)
        left = max(self._until - time.monotonic(), LEAST_SECONDS)
        try:
            return super().wait(gen, interval, None if left == float("inf") else left)
        except psycopg.OperationalError:
            now = time.monotonic()
            if now >= self._until:
                # Whatever it would still say belongs to a statement that nobody waits for.
                self.pgconn.finish()
                # A caller in a hurry says nothing about the server.
                if now - self._since >= AT_ONCE_SECONDS:
                    self.gave_up()
            raise


class Dialling:
    """Connects to one server."""

    def __init__(self) -> None:
        self._rests_until = float("-inf")

    def __call__(self, dialect: object, entry: object, arguments: Any, options: dict[str, Any]) -> Patient:
        """What SQLAlchemy calls for a further connection (`do_connect`)."""
        if time.monotonic() < self._rests_until:
            raise psycopg.OperationalError("the server did not answer a moment ago")
        try:
            connection = Patient.connect(*arguments, **options)
        except ConnectionTimeout:
            self.rest()
            raise
        connection.gave_up = self.rest
        return connection

    def rest(self) -> None:
        """Leaves the server alone for a moment."""
        self._rests_until = time.monotonic() + REST_SECONDS

"""How long a transaction waits for its server, as the caller sees it.

PostgreSQL itself ends what takes too long, and TCP gives up a host that vanished. A server that is frozen on a live
host does neither: its kernel goes on acknowledging. So nothing is waited for longer than the transaction may take.
"""

from __future__ import annotations

import time
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen

LEAST_SECONDS = 0.5
"""Time that even what comes too late is given: a rollback, for one."""
PROBE_SECONDS = 2.0
"""For a connection that lay idle to say that it lives."""
_MARGIN = 1.05
"""The server's own time-out comes first, so that one that works says what was slow."""
T = TypeVar("T")


class Patient(psycopg.Connection[Any]):
    """A connection that is given up when its server says nothing until the transaction's end."""

    _until = float("inf")

    def be_patient(self, seconds: float) -> None:
        """From now on waits so long in all."""
        self._until = time.monotonic() + seconds * _MARGIN

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        if timeout is not None:
            return super().wait(gen, interval, timeout)
        left = max(self._until - time.monotonic(), LEAST_SECONDS)
        try:
            return super().wait(gen, interval, None if left == float("inf") else left)
        except psycopg.OperationalError:
            if time.monotonic() >= self._until:
                # Whatever it would still say belongs to a statement that nobody waits for.
                self.pgconn.finish()
            raise

"""The engine of a service and the sessions it hands to calls.

A server whose host vanished is given up after about ten seconds, whether we wait for it (keepalives) or it for us
(unacknowledged data). A server that is merely frozen is given up when the transaction's time is over: see `patience`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry

from services.chassis.db.compiler import ScopedCompiler
from services.chassis.db.faults import Conflicts, fault, translated
from services.chassis.db.patience import AT_ONCE_SECONDS
from services.chassis.db.scope import Scope, confine, watch_transactions
from services.chassis.db.tenancy import ScopedSession
from services.chassis.errors import Fault

_IDLE_SECONDS = 1.0
_SESSION = "-c idle_in_transaction_session_timeout=15000 -c lock_timeout=1000 -c timezone=UTC"
LOST_HOST: dict[str, Any] = {
    "keepalives": 1,
    "keepalives_idle": 4,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""Seconds, and for the last milliseconds."""


class Database:
    """The service's database under its `svc` role. `conflicts` gives violated constraints their meaning."""

    def __init__(self, url: str, *, connections: int = 6, conflicts: Conflicts | None = None) -> None:
        self.engine = _engine(url, connections)
        self._conflicts: Conflicts = conflicts or {}

    @contextmanager
    def transaction(self, scope: Scope) -> Iterator[ScopedSession]:
        """One transaction, committed at the end unless something was raised."""
        with translated(self._conflicts), self.open(scope) as session, session.begin():
            yield session

    def open(self, scope: Scope) -> ScopedSession:
        """A session whose transaction begins with its first statement; the caller ends it."""
        session = ScopedSession(expire_on_commit=False)
        session.scope = scope
        session.bind = self.engine.execution_options(scope_of=session)
        return session

    def fault(self, error: BaseException) -> Fault:
        """What an error of the driver means here."""
        return fault(error, self._conflicts)

    def close(self) -> None:
        self.engine.dispose()


def enter(session: ScopedSession, scope: Scope) -> None:
    """Confines a session that had no company and no person yet: the handler has just looked them up."""
    if session.scope.company or session.scope.user:
        raise ValueError("one session has one scope")
    session.scope = scope
    if session.in_transaction():
        confine(session.connection(), scope)


@contextmanager
def visiting(session: ScopedSession, scope: Scope) -> Iterator[ScopedSession]:
    """A session of its own for somebody else's rows, in the transaction of this one, which is confined so meanwhile.

    There is never more than one scope at a time, so no policy has to know of two. Once anything fails, the
    transaction stays confined as it is: it can only be given up.
    """
    connection = session.connection()
    with ScopedSession(bind=connection, expire_on_commit=False) as inner:
        inner.scope = scope
        confine(connection, scope)
        yield inner
        inner.flush()
    confine(connection, session.scope)


def check_writes(session: ScopedSession) -> None:
    """Lets the database check now what it checks at the end, such as that each recorded write has its change."""
    driver: Any = session.connection().connection.driver_connection
    driver.execute("set constraints all immediate; set constraints all deferred")


def _engine(url: str, connections: int) -> Engine:
    engine = create_engine(
        url.replace("postgresql://", "postgresql+psycopg://", 1),
        pool_size=connections,
        max_overflow=0,
        pool_timeout=5,
        pool_use_lifo=True,
        connect_args={
            "options": _SESSION,
            "connect_timeout": 3,
            "application_name": "comptoir",
            **LOST_HOST,
        },
    )
    engine.dialect.statement_compiler = ScopedCompiler
    watch_transactions(engine)
    _probe_idle_connections(engine)
    return engine


def _probe_idle_connections(engine: Engine) -> None:
    """A connection that lay idle may have died with a restart of the server: ask it first, which costs no hot call."""

    @event.listens_for(engine, "checkin")
    def checkin(connection: object, entry: ConnectionPoolEntry) -> None:
        entry.info["idle_since"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def checkout(connection: Any, entry: ConnectionPoolEntry, proxy: object) -> None:
        if time.monotonic() - entry.info.get("idle_since", time.monotonic()) < _IDLE_SECONDS:
            return
        try:
            connection.be_patient(AT_ONCE_SECONDS)
            connection.execute("select 1")
            connection.rollback()
        except Exception as error:
            # What ended one, or froze it, has most likely done so to all that lie idle.
            raise InvalidatePoolError from error

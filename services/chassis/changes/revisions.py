"""Read your own writes: a write tells the revision its log came to, and a read that names one is never older."""

from __future__ import annotations

import time

from sqlalchemy import Row, select

from services.chassis.changes.log import Revision, scope_of
from services.chassis.changes.tables import LogTables
from services.chassis.changes.tokens import Tokens
from services.chassis.db.database import Database
from services.chassis.db.scope import Scope
from services.chassis.db.tenancy import ScopedSession
from services.chassis.errors import Invalid, Precondition, Unavailable

_FIELD = "min_revision"
_WAIT_SECONDS = 2.0
_PAUSE_SECONDS = 0.02


class Revisions:
    """Seals revisions of one service and holds reads to them."""

    def __init__(self, service: str, tables: LogTables, database: Database) -> None:
        self._service = service
        self._tables = tables
        self._database = database
        self._found: tuple[str, Tokens] | None = None

    def seal(self, revision: Revision) -> str:
        """The revision as it is told: the service in clear, the rest only for that service."""
        epoch, tokens = self._known()
        return f"{self._service}.{tokens.seal('revision', '', [epoch, revision.scope, revision.sequence])}"

    def require(self, session: ScopedSession, text: str, seconds: float) -> None:
        """Returns once the session sees the revision; refuses one that is not of its scope, or that is not reached.

        A session that is confined to nobody yet reads the primary, which holds whatever was acknowledged.
        """
        scope, sequence = self._open(text)
        if not session.scope.company and not session.scope.user:
            return
        if scope != scope_of(session):
            raise Invalid.field(_FIELD, "revision", "is a revision of somebody else's log")
        until = time.monotonic() + min(seconds, _WAIT_SECONDS)
        while self._reached(session, scope) < sequence:
            if time.monotonic() > until:
                raise Unavailable(
                    "This place has not come to that revision yet.",
                    reason="REVISION_NOT_REACHED",
                    retry_after_seconds=1,
                )
            session.rollback()
            time.sleep(_PAUSE_SECONDS)

    def _open(self, text: str) -> tuple[str, int]:
        service, _, token = text.partition(".")
        if service != self._service:
            raise Invalid.field(_FIELD, "revision", f"is no revision of the service '{self._service}'")
        epoch, tokens = self._known()
        values = tokens.open("revision", "", token)
        if values is None:
            raise Invalid.field(_FIELD, "revision", "is no revision that this service gave")
        if values[0] != epoch:
            raise Precondition(
                "The database was restored since: read without a revision, and go on from there.",
                reason="REVISION_LOST",
            )
        return values[1], values[2]

    def _reached(self, session: ScopedSession, scope: str) -> int:
        heads = self._tables.heads
        found = session.connection().execute(select(heads.c.sequence).where(heads.c.scope == scope))
        return found.scalar_one_or_none() or 0

    def _known(self) -> tuple[str, Tokens]:
        """Epoch and key: a restore changes them, and ends every process that knew others."""
        if self._found is None:
            feed = self._tables.feed
            with self._database.transaction(Scope(read_only=True)) as session:
                row: Row[str, bytes] = session.execute(select(feed.c.epoch, feed.c.token_key)).one()
            self._found = row.epoch, Tokens(bytes(row.token_key))
        return self._found

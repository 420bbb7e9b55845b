"""Appends what a transaction changed, just before it commits.

Everyone who writes for a scope waits for its head, so that is locked last: values are sealed before, under an id of
their own, and four statements remain, however much was changed.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    Table,
    Text,
    bindparam,
    cast,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from services.chassis import log
from services.chassis.changes import chain
from services.chassis.changes.bell import LOCK_BITS, LOCKS
from services.chassis.changes.recorder import Entry
from services.chassis.changes.tables import LogTables, TransactionId
from services.chassis.db.tenancy import ScopedSession
from services.chassis.vault.errors import SealBroken
from services.chassis.vault.place import Place
from services.chassis.vault.secret import Secret
from services.chassis.vault.vault import Vault

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Stamp:
    """Who wrote, for whom, why, and in which request."""

    time: datetime
    actor: str
    request_id: str
    method: str
    client: str = ""
    """The application through which the person wrote."""
    on_behalf_of: str = ""
    reason: str = ""
    source: str = ""
    """The address it came from: personal data, kept for 90 days beside the chain."""


@dataclass(frozen=True)
class Revision:
    """How far a scope had come when a write was done."""

    scope: str
    sequence: int


@dataclass(frozen=True)
class Known:
    """What lies sealed beside one change."""

    before: dict[str, Any]
    after: dict[str, Any]
    source: str
    """The address it came from; empty once it was forgotten."""
    doubtful: bool = False
    """Whether what should lie there is missing, or is not what was sealed: then nothing of it is known."""


_DOUBTFUL = Known({}, {}, "", doubtful=True)


class ChangeLog:
    """The log of one service."""

    def __init__(
        self, service: str, tables: LogTables, vault: Vault, ring: Callable[[str], None] = lambda _: None
    ) -> None:
        """`ring` is told of each transaction that is about to commit changes, so that the feed waits for it."""
        self._service = service
        self._tables = tables
        self._vault = vault
        self._statements = _Statements(tables)
        self._ring = ring

    def append(self, session: ScopedSession, stamp: Stamp) -> Revision | None:
        """Appends the session's entries to the chain of its scope, once; None if there are none.

        The position of a change is its transaction's id, but never less than the position before it in its scope:
        two transactions may lock a head in another order than they were begun in. So positions rise with the
        sequence, and whatever lies below the oldest running transaction is complete, in order, for ever. Nor is it
        dated before the one it follows, whatever a clock says: histories are searched by time.
        """
        entries = session.recorder.drain()
        if not entries:
            return None
        connection, scope = session.connection(), scope_of(session)
        known = [canonical_values(entry) for entry in entries]
        values = [self._sealed(session, scope, each, stamp.source) for each in known]
        sequence, previous, reached, time = self._lock(connection, scope)
        stamp = stamp if time is None else replace(stamp, time=max(stamp.time, time))
        changes = []
        for entry, value, committed in zip(entries, values, map(chain.commitment, known), strict=True):
            sequence += 1
            change = {**_metadata(entry, stamp, scope, sequence), "commitment": committed}
            previous = change["hash"] = chain.link(previous, change, committed)
            changes.append({**change, "time": stamp.time, "reached": reached})
            value["sequence"] = sequence
        connection.execute(self._statements.add_changes, changes)
        connection.execute(self._statements.add_values, values)
        moved = {"of": scope, "to": sequence, "by": previous, "reached": reached}
        connection.execute(self._statements.move_head, moved)
        return Revision(scope, sequence)

    @property
    def changes(self) -> Table:
        """What happened, without the values."""
        return self._tables.changes

    def values(self, session: ScopedSession, scope: str, sequence: int) -> dict[str, Any] | None:
        """Before and after of one change; None once they were erased. Raises SealBroken if they are doubtful."""
        known = self.opened(session, scope, [sequence]).get(sequence)
        if known is not None and known.doubtful:
            raise SealBroken
        return None if known is None else {"before": known.before, "after": known.after}

    def opened(self, session: ScopedSession, scope: str, sequences: Collection[int]) -> dict[int, Known]:
        """What lies sealed beside these changes, in one query; those are missing whose values were erased.

        Erasure destroys keys and leaves the rows: a row that is gone, or is another change's, is doubtful.
        """
        table, changes = self._tables.values, self._tables.changes
        query = (
            select(changes.c.sequence, table.c.value_id, table.c.sealed, table.c.source, changes.c.commitment)
            .select_from(changes)
            .outerjoin(table, (changes.c.scope == table.c.scope) & (changes.c.sequence == table.c.sequence))
            .where(changes.c.scope == scope, changes.c.sequence.in_(sequences))
        )
        found = {}
        for row in session.connection().execute(query):
            try:
                known = self._known(session, scope, row)
            except SealBroken:
                log.event("values doubtful", scope=scope, sequence=row.sequence)
                known = _DOUBTFUL
            if known is not None:
                found[row.sequence] = known
        return found

    def _known(self, session: ScopedSession, scope: str, row: Any) -> Known | None:
        if row.sealed is None:
            raise SealBroken
        values = self._open(session, scope, row.value_id, "sealed", row.sealed)
        if values is None:
            return None
        # The seal binds them to their own id; only the chain says which change they belong to.
        if chain.commitment(values.reveal()) != bytes(row.commitment):
            raise SealBroken
        source = self._open(session, scope, row.value_id, "source", row.source) if row.source else None
        read = json.loads(values.reveal_text())
        return Known(read["before"], read["after"], source.reveal_text() if source else "")

    def _open(
        self, session: ScopedSession, scope: str, value_id: str, column: str, sealed: bytes
    ) -> Secret | None:
        connection, place = session.connection(), self._place(session, scope, value_id, column)
        try:
            return self._vault.open(connection, place, sealed)
        except SealBroken:
            if self._vault.is_erased(connection, place, sealed):
                return None
            raise

    def _sealed(self, session: ScopedSession, scope: str, known: bytes, source: str) -> dict[str, Any]:
        value_id = secrets.token_hex(16)

        def seal(column: str, secret: Secret) -> bytes:
            return self._vault.seal(
                session.connection(), self._place(session, scope, value_id, column), secret
            )

        return {
            "scope": scope,
            "value_id": value_id,
            "sealed": seal("sealed", Secret(known)),
            "source": seal("source", Secret(source.encode())) if source else None,
        }

    def _lock(self, connection: Connection, scope: str) -> tuple[int, bytes, str, datetime | None]:
        """The end of a scope's chain, and of when its last change is; nobody else adds to it from here on."""
        row = connection.execute(self._statements.lock_head, {"of": scope}).one_or_none()
        if row is None:
            first = upsert(self._tables.heads).values(
                scope=scope, sequence=0, hash=chain.GENESIS, transaction="0", position="0"
            )
            connection.execute(first.on_conflict_do_nothing())
            row = connection.execute(self._statements.lock_head, {"of": scope}).one()
        # What is left is to write what is ready, and to commit.
        self._ring(row.transaction)
        time: datetime | None = row.time
        if time is None and row.sequence:
            # The head was waited for: what came meanwhile is not to be seen by the statement that waited.
            time = connection.execute(
                self._statements.time_of, {"of": scope, "to": row.sequence}
            ).scalar_one()
        return row.sequence, bytes(row.hash), row.position, time

    def _place(self, session: ScopedSession, scope: str, value_id: str, column: str) -> Place:
        return place(self._service, session.scope.owner, scope, value_id, column)


class _Statements:
    """What every write sends, built once: to build a statement takes as long as to run it."""

    def __init__(self, tables: LogTables) -> None:
        heads = tables.heads.c
        position = func.greatest(func.pg_current_xact_id(), cast(bindparam("reached"), TransactionId()))
        here = {"transaction": func.pg_current_xact_id(), "position": position}
        transaction = cast(func.pg_current_xact_id(), Text)
        lock = cast(cast(transaction, BigInteger).bitwise_and(LOCK_BITS), Integer)
        held = cast(func.pg_advisory_xact_lock(LOCKS, lock), Text)
        changes = tables.changes.c
        last = select(changes.time).where(changes.scope == heads.scope, changes.sequence == heads.sequence)
        end = (heads.sequence, heads.hash, heads.position, last.scalar_subquery().label("time"))
        self.lock_head = (
            select(*end, transaction.label("transaction"), held)
            .where(heads.scope == bindparam("of"))
            .with_for_update()
        )
        self.time_of = select(changes.time).where(
            changes.scope == bindparam("of"), changes.sequence == bindparam("to")
        )
        # One statement for all rows: it is sent as such because something is returned.
        self.add_changes = insert(tables.changes).values(here).returning(tables.changes.c.sequence)
        self.add_values = insert(tables.values).returning(tables.values.c.sequence)
        self.move_head = (
            update(tables.heads)
            .where(heads.scope == bindparam("of"))
            .values(sequence=bindparam("to"), hash=bindparam("by"), **here)
        )


def scope_of(session: ScopedSession) -> str:
    """The scope whose chain the session's changes belong to."""
    if session.scope.company:
        return f"companies/{session.scope.company}"
    return f"users/{session.scope.user}" if session.scope.user else "platform"


def place(service: str, owner: str, scope: str, value_id: str, column: str) -> Place:
    """Where a value of the history is sealed: under an id of its own, since its sequence is not known yet."""
    return Place(
        service=service,
        company=owner,
        table="change_values",
        column=column,
        row=f"{scope}/{value_id}",
        kind="history",
        environment="-",
    )


def canonical_values(entry: Entry) -> bytes:
    """The values as they are sealed and committed to, with a salt."""
    return chain.canonical({"before": entry.before, "after": entry.after, "salt": secrets.token_hex(16)})


def _metadata(entry: Entry, stamp: Stamp, scope: str, sequence: int) -> dict[str, Any]:
    return {
        "scope": scope,
        "sequence": sequence,
        "time": stamp.time.astimezone(UTC).isoformat(timespec="microseconds"),
        "type": entry.type,
        "resource": entry.resource,
        "history": entry.history,
        "action": entry.action,
        "fields": entry.fields,
        "actor": stamp.actor,
        "client": stamp.client,
        "on_behalf_of": stamp.on_behalf_of,
        "reason": stamp.reason,
        "request_id": stamp.request_id,
        "method": stamp.method,
        "schema_version": SCHEMA_VERSION,
    }

"""Appends what a transaction changed, just before it commits.

Everyone who writes for a scope waits for its head, so that is locked last: values are sealed before, under an id of
their own, and four statements remain, however much was changed.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Table, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from services.chassis.changes import chain
from services.chassis.changes.recorder import Entry
from services.chassis.changes.tables import LogTables
from services.chassis.db.tenancy import ScopedSession
from services.chassis.vault.errors import SealBroken
from services.chassis.vault.place import PLATFORM, Place
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
    on_behalf_of: str = ""
    reason: str = ""


class ChangeLog:
    """The log of one service."""

    def __init__(self, service: str, tables: LogTables, vault: Vault) -> None:
        self._service = service
        self._tables = tables
        self._vault = vault

    def append(self, session: ScopedSession, stamp: Stamp) -> int:
        """Appends the session's entries to the chain of its scope; returns the last sequence, 0 for none."""
        entries = session.recorder.entries
        if not entries:
            return 0
        connection, scope = session.connection(), scope_of(session)
        known = [canonical_values(entry) for entry in entries]
        values = [self._sealed(session, scope, each) for each in known]
        sequence, previous = self._lock(connection, scope)
        changes = []
        for entry, value, committed in zip(entries, values, map(chain.commitment, known), strict=True):
            sequence += 1
            change = {**_metadata(entry, stamp, scope, sequence), "commitment": committed}
            previous = change["hash"] = chain.link(previous, change, committed)
            changes.append({**change, "time": stamp.time})
            value["sequence"] = sequence
        _insert(connection, self._tables.changes, changes, transaction=func.pg_current_xact_id())
        _insert(connection, self._tables.values, values)
        heads = self._tables.heads
        connection.execute(
            update(heads).where(heads.c.scope == scope).values(sequence=sequence, hash=previous)
        )
        return sequence

    def values(self, session: ScopedSession, scope: str, sequence: int) -> dict[str, Any] | None:
        """Before and after of one change; None once they were erased. Raises SealBroken if they are another's."""
        table, changes = self._tables.values, self._tables.changes
        query = (
            select(table.c.value_id, table.c.sealed, changes.c.commitment)
            .join(changes, (changes.c.scope == table.c.scope) & (changes.c.sequence == table.c.sequence))
            .where(table.c.scope == scope, table.c.sequence == sequence)
        )
        found = session.connection().execute(query).one_or_none()
        if found is None:
            return None
        place = self._place(session, scope, found.value_id)
        opened = self._vault.open(session.connection(), place, found.sealed)
        # The seal binds them to their own id; only the chain says which change they belong to.
        if chain.commitment(opened.reveal()) != bytes(found.commitment):
            raise SealBroken
        known: dict[str, Any] = json.loads(opened.reveal_text())
        return known

    def _sealed(self, session: ScopedSession, scope: str, known: bytes) -> dict[str, Any]:
        value_id = secrets.token_hex(16)
        place = self._place(session, scope, value_id)
        sealed = self._vault.seal(session.connection(), place, Secret(known))
        return {"scope": scope, "value_id": value_id, "sealed": sealed}

    def _lock(self, connection: Connection, scope: str) -> tuple[int, bytes]:
        heads = self._tables.heads
        locked = select(heads.c.sequence, heads.c.hash).where(heads.c.scope == scope).with_for_update()
        row = connection.execute(locked).one_or_none()
        if row is None:
            first = upsert(heads).values(scope=scope, sequence=0, hash=chain.GENESIS)
            connection.execute(first.on_conflict_do_nothing())
            row = connection.execute(locked).one()
        return row.sequence, bytes(row.hash)

    def _place(self, session: ScopedSession, scope: str, value_id: str) -> Place:
        company = session.scope.company or (f"users/{session.scope.user}" if session.scope.user else PLATFORM)
        return Place(
            service=self._service,
            company=company,
            table="change_values",
            column="sealed",
            row=f"{scope}/{value_id}",
            kind="history",
            environment="-",
        )


def _insert(connection: Connection, table: Table, rows: list[dict[str, Any]], **computed: Any) -> None:
    """One statement for all rows: it is sent as such because something is returned."""
    connection.execute(insert(table).values(**computed).returning(table.c.sequence), rows)


def scope_of(session: ScopedSession) -> str:
    """The scope whose chain the session's changes belong to."""
    if session.scope.company:
        return f"companies/{session.scope.company}"
    return f"users/{session.scope.user}" if session.scope.user else "platform"


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
        "action": entry.action,
        "fields": entry.fields,
        "actor": stamp.actor,
        "on_behalf_of": stamp.on_behalf_of,
        "reason": stamp.reason,
        "request_id": stamp.request_id,
        "method": stamp.method,
        "schema_version": SCHEMA_VERSION,
    }

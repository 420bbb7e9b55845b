"""Appends what a transaction changed, just before it commits: the scope's head is locked last, never across I/O."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from services.chassis.changes import chain
from services.chassis.changes.recorder import Entry
from services.chassis.changes.tables import LogTables
from services.chassis.db.tenancy import ScopedSession
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
        sequence, previous = self._lock(connection, scope)
        changes, values = [], []
        for entry in entries:
            sequence += 1
            known = canonical_values(entry)
            change = {**_metadata(entry, stamp, scope, sequence), "commitment": chain.commitment(known)}
            previous = change["hash"] = chain.link(previous, change, change["commitment"])
            sealed = self._vault.seal(connection, self._place(session, scope, sequence), Secret(known))
            changes.append({**change, "time": stamp.time, "transaction": func.pg_current_xact_id()})
            values.append({"scope": scope, "sequence": sequence, "sealed": sealed})
        for change in changes:
            connection.execute(insert(self._tables.changes).values(change))
        connection.execute(insert(self._tables.values), values)
        heads = self._tables.heads
        connection.execute(
            update(heads).where(heads.c.scope == scope).values(sequence=sequence, hash=previous)
        )
        return sequence

    def values(self, session: ScopedSession, scope: str, sequence: int) -> dict[str, Any] | None:
        """Before and after of one change; None once they were erased."""
        table = self._tables.values
        found = (
            session.connection()
            .execute(select(table.c.sealed).where(table.c.scope == scope, table.c.sequence == sequence))
            .scalar_one_or_none()
        )
        if found is None:
            return None
        opened = self._vault.open(session.connection(), self._place(session, scope, sequence), found)
        known: dict[str, Any] = json.loads(opened.reveal_text())
        return known

    def _lock(self, connection: Any, scope: str) -> tuple[int, bytes]:
        heads = self._tables.heads
        statement = upsert(heads).values(scope=scope, sequence=0, hash=chain.GENESIS)
        # Updating it to itself takes the lock and gives back what stands there, new or not, in one round trip.
        locked = statement.on_conflict_do_update(
            index_elements=["scope"], set_={"sequence": heads.c.sequence}
        ).returning(heads.c.sequence, heads.c.hash)
        row = connection.execute(locked).one()
        return row.sequence, bytes(row.hash)

    def _place(self, session: ScopedSession, scope: str, sequence: int) -> Place:
        company = session.scope.company or (f"users/{session.scope.user}" if session.scope.user else PLATFORM)
        return Place(
            service=self._service,
            company=company,
            table="change_values",
            column="sealed",
            row=f"{scope}/{sequence}",
            kind="history",
            environment="-",
        )


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

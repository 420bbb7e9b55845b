"""Which of a service's processes follows a source: one at a time, by the clock of the database."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import Table, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from services.chassis.db.tenancy import ScopedSession

TERM = timedelta(seconds=3)
"""Renewed with every heartbeat. Whoever follows a process that was killed has heard of grants before they count as
stale (`standing.OLDEST`)."""


class LeaseLost(Exception):
    """Another process follows the source by now: nothing of this transaction counts."""


@dataclass(frozen=True)
class Lease:
    """This process's claim to follow one source. Every method works inside the caller's transaction."""

    cursors: Table
    source: str
    holder: str = field(default_factory=lambda: secrets.token_hex(8))

    def take(self, session: ScopedSession) -> str | None:
        """Where the source was left, or None while another process follows it."""
        table = self.cursors
        first = insert(table).values(source=self.source, cursor="", holder="")
        session.execute(first.on_conflict_do_nothing())
        free = or_(
            table.c.lease_until.is_(None), table.c.lease_until < func.now(), table.c.holder == self.holder
        )
        taken = (
            update(table)
            .where(table.c.source == self.source, free)
            .values(holder=self.holder, lease_until=func.now() + TERM)
        )
        found: str | None = session.execute(taken.returning(table.c.cursor)).scalar_one_or_none()
        return found

    def advance(self, session: ScopedSession, cursor: str | None, age: float | None = None) -> None:
        """Notes how far the source was followed; None: no further than before.

        `age`: so many seconds ago nothing had happened there that was not followed by now.
        """
        table = self.cursors
        noted: dict[str, Any] = {} if cursor is None else {"cursor": cursor}
        if age is not None:
            noted["heard_time"] = func.now() - timedelta(seconds=age)
        held = (
            update(table)
            .where(table.c.source == self.source, table.c.holder == self.holder)
            .values(lease_until=func.now() + TERM, **noted)
        )
        if session.execute(held.returning(table.c.source)).one_or_none() is None:
            raise LeaseLost(self.source)

    def release(self, session: ScopedSession) -> None:
        """Lets another process follow at once."""
        table = self.cursors
        session.execute(
            update(table)
            .where(table.c.source == self.source, table.c.holder == self.holder)
            .values(lease_until=None)
        )

    def heard_seconds_ago(self, session: ScopedSession) -> float | None:
        """How long ago the source was last heard by whoever follows it."""
        table = self.cursors
        age = func.extract("epoch", func.now() - table.c.heard_time)
        found = session.execute(select(age).where(table.c.source == self.source)).scalar_one_or_none()
        return None if found is None else float(found)

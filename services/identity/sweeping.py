"""Taking expired rows away while others are added, so that they die out without a job of their own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Table, bindparam, delete, select, tuple_
from sqlalchemy.orm import Session

from services.chassis.db.tenancy import ready

_EVERY = timedelta(seconds=1)
_AT_ONCE = 500
"""More than one process adds in that time."""


class Sweep:
    """Deletes rows of a table some time after their end, once a second and process at most."""

    def __init__(self, table: Any, end: str = "expire_time", *, kept: timedelta = timedelta(0)) -> None:
        """`end` names the column that says when a row is over; for `kept` more it stays."""
        assert isinstance(table, Table)
        key = tuple_(*table.primary_key)
        over = select(*table.primary_key).where(table.c[end] <= bindparam("before"))
        some = over.limit(_AT_ONCE).with_for_update(skip_locked=True)
        self._statement = ready(delete(table).where(key.in_(some)))
        self._kept = kept
        self._last = datetime.min.replace(tzinfo=UTC)

    def __call__(self, db: Session, now: datetime) -> None:
        """Deletes some, unless that was just done. What another call holds is left to it."""
        if self._last <= now < self._last + _EVERY:
            return
        self._last = now
        db.execute(self._statement, {"before": now - self._kept})

"""Finds changes in a log however long it is: so many rows are looked at for a page, and no more.

A rare filter so gives short pages, each with a place to go on from (AIP-158), and never a slow one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Table, func, or_, select

from services.chassis.db.tenancy import ScopedSession

MOST_SCANNED = 2000
"""Rows looked at for one page."""
DISORDER = timedelta(minutes=5)
"""Times rise with the sequence, but for this much in what was written before that was seen to."""
_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Wanted:
    """Which changes of a scope."""

    scope: str
    history: str | None = None
    """The resource in whose history they stand; None for any."""
    under: str = ""
    """What the names of those resources begin with."""
    types: tuple[str, ...] = ()
    actors: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    """Paths: a change of any field in one of them counts."""
    actions: tuple[str, ...] = ()
    start: datetime | None = None
    end: datetime | None = None
    """Before this time."""

    def criteria(self, c: Any) -> Iterator[ColumnElement[bool]]:
        """What no index answers."""
        if self.under:
            yield func.starts_with(c.history, self.under)
        for column, values in ((c.type, self.types), (c.actor, self.actors), (c.action, self.actions)):
            if values:
                yield column.in_(values)
        if self.fields:
            path = func.unnest(c.fields).column_valued("path")
            inside = [or_(path == each, func.starts_with(path, each + ".")) for each in self.fields]
            yield select(path).where(or_(*inside)).exists()
        if self.start is not None:
            yield c.time >= self.start
        if self.end is not None:
            yield c.time < self.end


@dataclass(frozen=True)
class Found:
    """Some of the changes wanted, newest first."""

    rows: Sequence[Row[Any]]
    following: int | None
    """The sequence below which the search goes on; None at its end."""


def scan(session: ScopedSession, changes: Table, wanted: Wanted, before: int | None, most: int) -> Found:
    """The newest of the changes wanted whose sequence lies below `before`, at most so many."""
    c, connection = changes.c, session.connection()
    oldest = floor(session, changes, wanted.scope, wanted.start) if wanted.start else 1
    within = [c.scope == wanted.scope, c.sequence >= oldest]
    if wanted.history is not None:
        within.append(c.history == wanted.history)
    if wanted.end is not None:
        within.append(c.sequence < ceiling(session, changes, wanted.scope, wanted.end))
    if before is not None:
        within.append(c.sequence < before)
    newest = select(changes).where(*within).order_by(c.sequence.desc())
    if not list(wanted.criteria(c)):
        rows = connection.execute(newest.limit(most + 1)).all()
        return Found(rows[:most], rows[most - 1].sequence if len(rows) > most else None)
    window = newest.limit(MOST_SCANNED).subquery()
    query = select(window).where(*wanted.criteria(window.c)).order_by(window.c.sequence.desc())
    rows = connection.execute(query.limit(most + 1)).all()
    if len(rows) > most:
        return Found(rows[:most], rows[most - 1].sequence)
    seen, lowest = connection.execute(select(func.count(), func.min(window.c.sequence))).one()
    return Found(rows, lowest if seen == MOST_SCANNED else None)


def floor(session: ScopedSession, changes: Table, scope: str, time: datetime) -> int:
    """A sequence below which every change is older than this time."""
    return _seek(session, changes, scope, min(max(time, _FIRST), _LAST) - DISORDER)


def ceiling(session: ScopedSession, changes: Table, scope: str, time: datetime) -> int:
    """A sequence from which on every change is of this time or later."""
    return _seek(session, changes, scope, min(max(time, _FIRST), _LAST) + DISORDER)


def _seek(session: ScopedSession, changes: Table, scope: str, time: datetime) -> int:
    """By bisection: the sequences of a scope have no gaps."""
    c, connection = changes.c, session.connection()
    newest = select(c.sequence, c.time).where(c.scope == scope).order_by(c.sequence.desc()).limit(1)
    head = connection.execute(newest).one_or_none()
    if head is None or head.time < time:
        return head.sequence + 1 if head else 1
    earlier, later = 0, head.sequence
    while later - earlier > 1:
        middle = (earlier + later) // 2
        there = connection.execute(newest.where(c.sequence <= middle)).one_or_none()
        if there is None or there.time < time:
            earlier = middle
        else:
            later = middle
    return int(later)


def exists(session: ScopedSession, changes: Table, scope: str, history: str) -> bool:
    """Whether anything ever happened to the resource."""
    query = select(changes.c.sequence).where(changes.c.scope == scope, changes.c.history == history).limit(1)
    return session.connection().execute(query).one_or_none() is not None

"""What the feed reads, under a role that may read nothing else: changes in order, resources as they stand."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from services.chassis.contract import PATTERNS
from services.chassis.db.database import LOST_HOST
from services.chassis.feed.cursors import Key, Snapshot
from services.chassis.feed.published import Published

_SESSION = (
    "-c default_transaction_read_only=on -c statement_timeout=30000"
    " -c idle_in_transaction_session_timeout=30000 -c timezone=UTC"
)
"""A watcher that stops reading within a snapshot is cut off, and begins anew."""
BATCH = 500
"""Changes read at once."""
CLUSTER = (
    "(select oid::text from pg_database where datname = current_database())"
    " || '/' || (select system_identifier::text from pg_control_system())"
    " || '/' || (select timeline_id::text from pg_control_checkpoint())"
)
"""SQL for what tells a restored database from the one it was: another cluster,
another timeline of it, or another database in it."""
_STATE = "select epoch, token_key, floor::text::bigint, cluster = " + CLUSTER + " as at_home from change_feed"  # noqa: S608
# Whatever lies below the oldest running transaction is complete, and stays so: a later statement sees it all.
_SNAPSHOT = "select pg_current_snapshot()::text as text"
_CHANGES = (
    "select position::text::bigint, transaction::text::bigint, scope, sequence, time, type, resource, action, fields,"
    " actor, on_behalf_of, request_id, method, schema_version from changes"
    " where (position, scope, sequence) > (%s::text::xid8, %s, %s) and position < %s::text::xid8"
    # By the column and not by what is selected under its name, or the index would be of no use.
    " order by changes.position, changes.scope, changes.sequence limit %s"
)


@dataclass(frozen=True)
class FeedState:
    """What all cursors of a database have in common."""

    epoch: str
    token_key: bytes
    floor: int
    """Cursors from before this position can no longer be followed."""
    at_home: bool
    """Whether this is the cluster that the log was written in; not so after a restore, until `migrate` has run."""


@dataclass(frozen=True)
class Row:
    """One change, with its resource as it stands."""

    key: Key
    transaction: int
    change: Mapping[str, Any]
    state: Mapping[str, Any] | None = None
    encoded: dict[Any, bytes] = field(default_factory=dict, compare=False)
    """How it is told, by who is told."""


async def connect(url: str) -> psycopg.AsyncConnection[dict[str, Any]]:
    """A connection for reading, in autocommit."""
    options: dict[str, Any] = {**LOST_HOST, "options": _SESSION, "application_name": "comptoir feed"}
    return await psycopg.AsyncConnection.connect(
        url, autocommit=True, row_factory=dict_row, connect_timeout=3, **options
    )


class Reader:
    """Reads for one service's feed."""

    def __init__(self, published: Iterable[Published]) -> None:
        self._published = {each.type: each for each in published}
        self._some = {each.type: _some(each).as_bytes(None) for each in self._published.values()}

    async def state(self, connection: psycopg.AsyncConnection[dict[str, Any]]) -> FeedState:
        row = await (await connection.execute(_STATE)).fetchone()
        assert row is not None
        return FeedState(row["epoch"], bytes(row["token_key"]), row["floor"], bool(row["at_home"]))

    async def horizon(self, connection: psycopg.AsyncConnection[dict[str, Any]]) -> Snapshot:
        """Which transactions are over: everything below the oldest running one is told in order, for ever."""
        row = await (await connection.execute(_SNAPSHOT)).fetchone()
        assert row is not None
        return Snapshot(row["text"])

    async def changes(
        self, connection: psycopg.AsyncConnection[dict[str, Any]], after: Key, horizon: int
    ) -> list[Row]:
        """At most `BATCH` changes beyond the key and below the horizon, in order."""
        position, scope, sequence = after
        found = await connection.execute(_CHANGES, (str(position), scope, sequence, str(horizon), BATCH))
        changes = await found.fetchall()
        states = await self._states(connection, changes)
        return [
            Row(
                (each["position"], each["scope"], each["sequence"]),
                each["transaction"],
                each,
                states.get(each["resource"]),
            )
            for each in changes
        ]

    async def snapshot(
        self, connection: psycopg.AsyncConnection[dict[str, Any]], types: frozenset[str], company: str | None
    ) -> AsyncGenerator[Snapshot | tuple[Published, dict[str, Any]], None]:
        """The snapshot's place in time, and then every published resource as it stood there."""
        async with connection.transaction():
            await connection.execute("set transaction isolation level repeatable read")
            yield await self.horizon(connection)
            for each in self._published.values():
                if (types and each.type not in types) or (company and "company" not in each.key):
                    continue
                async with connection.cursor(name="snapshot") as cursor:
                    await cursor.execute(*_whole(each, company))
                    async for found in cursor:
                        yield each, found

    async def _states(
        self, connection: psycopg.AsyncConnection[dict[str, Any]], changes: Iterable[Mapping[str, Any]]
    ) -> dict[str, Mapping[str, Any]]:
        """The changed resources as they stand; without those that are gone or not published."""
        names: dict[str, dict[str, tuple[str, ...]]] = {}
        for change in changes:
            published = self._published.get(change["type"])
            ids = PATTERNS[change["type"]].parse(change["resource"]) if published else None
            if ids:
                names.setdefault(change["type"], {})[change["resource"]] = tuple(ids.values())
        states: dict[str, Mapping[str, Any]] = {}
        for kind, found in names.items():
            published = self._published[kind]
            keys = [list(column) for column in zip(*found.values(), strict=True)]
            rows = await connection.execute(self._some[kind], keys)
            by_key = {tuple(row[column] for column in published.key): row async for row in rows}
            for name, key in found.items():
                if key in by_key:
                    states[name] = published.state(by_key[key])
        return states


def _columns(published: Published) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(column) for column in published.granted)


def _whole(published: Published, company: str | None) -> tuple[sql.Composed, tuple[str, ...]]:
    query = sql.SQL("select {} from {}").format(_columns(published), sql.Identifier(published.table.name))
    if company is None:
        return query, ()
    return query + sql.SQL(" where company = %s"), (company,)


def _some(published: Published) -> sql.Composed:
    keys = sql.SQL(", ").join(sql.Identifier(column) for column in published.key)
    arrays = sql.SQL(", ").join(sql.SQL("%s::text[]") for _ in published.key)
    return sql.SQL("select {} from {} where ({}) in (select * from unnest({}))").format(
        _columns(published), sql.Identifier(published.table.name), keys, arrays
    )

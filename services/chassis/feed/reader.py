"""What the feed reads, under a role that may read nothing else: changes in order, resources as they stand."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from services.chassis.changes.bell import LOCK_BITS, LOCKS
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
PATIENCE_MS = 20
"""How long a transaction that is about to commit is waited for before others are looked after."""
CLUSTER = (
    "(select oid::text from pg_database where datname = current_database())"
    " || '/' || (select system_identifier::text from pg_control_system())"
    " || '/' || (select timeline_id::text from pg_control_checkpoint())"
)
"""SQL for what tells a restored database from the one it was: another cluster,
another timeline of it, or another database in it."""
_STATE = "select epoch, token_key, floor::text::bigint, cluster = " + CLUSTER + " as at_home from change_feed"  # noqa: S608
_SNAPSHOT = "select pg_current_snapshot()::text as taken"
# Transactions are numbered by the server. One of which it cannot be told, any more or as yet, where it runs counts as
# one of ours.
_OURS = """
with snapshot as materialized (select pg_current_snapshot() as taken)
select coalesce((
    select min(each::text::bigint) from pg_snapshot_xip(taken) each where each::xid not in (
        select held.transactionid from pg_locks held join pg_stat_activity holder using (pid)
        where held.locktype = 'transactionid' and held.mode = 'ExclusiveLock' and held.granted
            and holder.datname <> current_database()
    )
), pg_snapshot_xmax(taken)::text::bigint) as oldest from snapshot
"""
_WAIT = (
    "select set_config('lock_timeout', '{patience}', true), pg_advisory_xact_lock_shared({locks}, {lock});"
)
_PREPARED = "changes_after"
# One statement, one snapshot: below the oldest transaction that it saw running, it saw everything, and nothing comes
# there any more. Ordered by columns and not by what is selected under their names, or the index would be of no use.
# Planned once: that takes three times as long as to run it, and a plan from when there was little to read must not be
# one that reads everything.
_CHANGES = """
set plan_cache_mode = force_generic_plan;
set enable_seqscan = off;
set enable_bitmapscan = off;
prepare {name} (xid8, text, bigint, xid8) as
with snapshot as materialized (select pg_current_snapshot() as taken)
select taken::text, found.*, {states} as state from snapshot left join lateral (
    select position::text::bigint, transaction::text::bigint, scope, sequence, time, type, resource, action, fields,
        actor, on_behalf_of, request_id, method, schema_version
    from changes
    where (position, scope, sequence) > ($1, $2, $3) and position < coalesce($4, pg_snapshot_xmin(taken))
    order by changes.position, changes.scope, changes.sequence limit {batch}
) found on true order by found.position, found.scope, found.sequence
"""


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
class Read:
    """What one look at the log gave, and in which snapshot."""

    now: Snapshot
    rows: list[Row]
    awaited: bool
    """Whether a transaction was awaited, and came to its end."""


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
        states = sql.SQL(" ").join(map(_state, self._published.values()))
        either = sql.SQL("case found.type {} end").format(states) if self._published else sql.SQL("null")
        parts = {"name": sql.Identifier(_PREPARED), "states": either, "batch": sql.Literal(BATCH)}
        self._prepare = sql.SQL(_CHANGES).format(**parts).as_bytes(None)

    async def prepare(self, connection: psycopg.AsyncConnection[dict[str, Any]]) -> None:
        """To be called once on each connection on which changes are read."""
        await connection.execute(self._prepare)

    async def state(self, connection: psycopg.AsyncConnection[dict[str, Any]]) -> FeedState:
        row = await (await connection.execute(_STATE)).fetchone()
        assert row is not None
        return FeedState(row["epoch"], bytes(row["token_key"]), row["floor"], bool(row["at_home"]))

    async def horizon(self, connection: psycopg.AsyncConnection[dict[str, Any]]) -> Snapshot:
        """Which transactions are over: everything below the oldest running one is told in order, for ever."""
        row = await (await connection.execute(_SNAPSHOT)).fetchone()
        assert row is not None
        return Snapshot(row["taken"])

    async def oldest_of_ours(self, connection: psycopg.AsyncConnection[dict[str, Any]]) -> int:
        """The horizon, if what runs in other databases of the server is passed over. Dearer to know."""
        row = await (await connection.execute(_OURS)).fetchone()
        assert row is not None
        return int(row["oldest"])

    async def changes(
        self,
        connection: psycopg.AsyncConnection[dict[str, Any]],
        after: Key,
        *,
        horizon: int | None = None,
        awaited: int | None = None,
    ) -> Read:
        """At most `BATCH` changes beyond the key and below the horizon, in order.

        The horizon is that of the moment, unless an earlier one is given. A transaction that is awaited is waited for
        first, a moment.
        """
        position, scope, sequence = after
        below = "null" if horizon is None else f"'{horizon}'"
        # Sent as one text: what is bound apart costs the driver as much as all the rest.
        read = f"execute {_PREPARED} ('{position}', {sql.quote(scope)}, {sequence}, {below})"
        found = await self._found(connection, read, awaited)
        patient = found is not None
        if found is None:
            found = await connection.execute(read.encode())
        rows = await found.fetchall()
        changes = [self._row(row) for row in rows if row["position"] is not None]
        return Read(Snapshot(rows[0]["taken"]), changes, patient)

    async def _found(
        self, connection: psycopg.AsyncConnection[dict[str, Any]], read: str, awaited: int | None
    ) -> psycopg.AsyncCursor[dict[str, Any]] | None:
        """What is read behind the end of a transaction; None if there is none to wait for, or it takes too long."""
        if awaited is None:
            return None
        wait = _WAIT.format(patience=PATIENCE_MS, locks=LOCKS, lock=awaited & LOCK_BITS)
        try:
            found = await connection.execute((wait + read).encode())
        except psycopg.errors.LockNotAvailable:
            return None
        found.nextset()
        return found

    def _row(self, change: Mapping[str, Any]) -> Row:
        key = (change["position"], change["scope"], change["sequence"])
        stands = change["state"]
        state = None if stands is None else self._published[change["type"]].state(stands)
        return Row(key, change["transaction"], change, state)

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


def _columns(published: Published) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(column) for column in published.granted)


def _whole(published: Published, company: str | None) -> tuple[sql.Composed, tuple[str, ...]]:
    query = sql.SQL("select {} from {}").format(_columns(published), sql.Identifier(published.table.name))
    if company is None:
        return query, ()
    return query + sql.SQL(" where company = %s"), (company,)


def _state(published: Published) -> sql.Composed:
    """SQL for the resource of a change as it stands, null where it is gone."""
    places = PATTERNS[published.type].places
    same = sql.SQL(" and ").join(
        sql.SQL("{} = split_part(found.resource, '/', {})").format(sql.Identifier(column), sql.Literal(place))
        for column, place in zip(published.key, places, strict=True)
    )
    return sql.SQL("when {} then (select to_jsonb(stands) from (select {} from {} where {}) stands)").format(
        sql.Literal(published.type), _columns(published), sql.Identifier(published.table.name), same
    )

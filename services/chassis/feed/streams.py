"""One watcher's stream: snapshot, changes, heartbeats, as an endless series of encoded answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from comptoir.changes.v1 import change_pb2, feed_pb2
from services.chassis.contract import PATTERNS
from services.chassis.feed.cursors import Cursor, Key, Snapshot, open_cursor
from services.chassis.feed.hub import Hub
from services.chassis.feed.published import Published
from services.chassis.feed.reader import Row, connect
from services.chassis.names import ANY

HEARTBEAT_SECONDS = 1.0
_COMPANY = PATTERNS["comptoir.company/Company"]


@dataclass(frozen=True)
class Interest:
    """Who watches what: a cursor serves nobody and nothing else."""

    caller: str
    types: frozenset[str]
    company: str | None
    hidden: frozenset[str] = frozenset()
    """Types that the caller is told nothing of."""

    @property
    def binding(self) -> str:
        return "\0".join((self.caller, self.company or "", *sorted(self.types)))

    def covers(self, row: Row) -> bool:
        kind = row.change["type"]
        if kind in self.hidden or (self.types and kind not in self.types):
            return False
        resource = f"{row.change['resource']}/"
        return self.company is None or resource.startswith(f"companies/{self.company}/")


class Stream:
    """The stream of one call."""

    def __init__(self, hub: Hub, interest: Interest, *, snapshot: bool) -> None:
        self._hub = hub
        self._interest = interest
        self._snapshot = snapshot

    async def answers(self, token: str) -> AsyncIterator[bytes]:
        """Encoded `WatchChangesResponse`s from the token on. Raises faults."""
        await self._hub.ready()
        cursor = open_cursor(self._hub.tokens, self._interest.binding, token) if token else None
        while True:
            reason = self._lost(cursor)
            if reason:
                yield _encoded(resync=feed_pb2.Resync(reason=reason))
            if cursor is None or reason:
                async for reached, answer in self._resources():
                    cursor = reached or cursor
                    yield answer
                assert cursor is not None
                yield _encoded(self._seal(cursor), snapshot_end=feed_pb2.SnapshotEnd())
            async for reached, answer in self._changes(cursor):
                cursor = reached
                yield answer

    def _lost(self, cursor: Cursor | None) -> Any:
        state = self._hub.state
        if cursor is None:
            return None
        if cursor.epoch != state.epoch:
            return feed_pb2.RESYNC_REASON_RESTORED
        return feed_pb2.RESYNC_REASON_COMPACTED if cursor.key[0] < state.floor else None

    async def _resources(self) -> AsyncIterator[tuple[Cursor | None, bytes]]:
        epoch = self._hub.state.epoch
        async with self._hub.snapshots, await connect(self._hub.url) as connection:
            found = self._hub.reader.snapshot(connection, self._interest.types, self._interest.company)
            # A watcher that leaves in the middle must not end the connection before the transaction on it.
            async with aclosing(found):
                async for each in found:
                    if isinstance(each, Snapshot):
                        yield Cursor(epoch, (each.xmin, "", 0), each), b""
                        if self._snapshot:
                            continue
                        break
                    published, row = each
                    if published.type in self._interest.hidden:
                        continue
                    resource = feed_pb2.Resource(type=published.type, name=published.name(row))
                    resource.state.update(published.state(row))
                    yield None, _encoded(resource=resource)

    async def _changes(self, cursor: Cursor) -> AsyncIterator[tuple[Cursor, bytes]]:
        """Changes and heartbeats, until the cursor cannot be followed any further."""
        loop = asyncio.get_running_loop()
        beaten = float("-inf")
        while not self._lost(cursor):
            tail, complete = self._hub.tail, self._hub.complete
            kept = self._hub.after(cursor.key)
            rows = await self._older(cursor.key, tail) if kept is None else kept
            for row in rows:
                told = cursor.told(row.transaction)
                cursor = cursor.moved(row.key)
                if not told and self._interest.covers(row):
                    yield cursor, self._told(row, cursor)
            if not rows:
                cursor = cursor.moved(max(cursor.key, tail))
            # Only who has been told all there is hears how complete that is.
            if cursor.key >= tail and loop.time() >= beaten + HEARTBEAT_SECONDS:
                beaten = loop.time()
                yield cursor, self._heartbeat(cursor, None if complete is None else beaten - complete)
            if not rows:
                await self._hub.wait(cursor.key, max(0.0, beaten + HEARTBEAT_SECONDS - loop.time()))

    async def _older(self, key: Key, tail: Key) -> list[Row]:
        """A batch of what is beyond the key and not beyond the tail, from the database."""
        horizon = tail[0] + 1 if tail[1] else tail[0]
        async with self._hub.catching_up, await connect(self._hub.url) as connection:
            await self._hub.reader.prepare(connection)
            return (await self._hub.reader.changes(connection, key, horizon=horizon)).rows

    def _heartbeat(self, cursor: Cursor, age: float | None) -> bytes:
        heartbeat = feed_pb2.Heartbeat()
        if age is not None:
            heartbeat.age.FromMilliseconds(round(age * 1000))
        return _encoded(self._seal(cursor), heartbeat=heartbeat)

    def _told(self, row: Row, cursor: Cursor) -> bytes:
        if cursor.snapshot is not None:
            return _encoded(self._seal(cursor), change=_change(row))
        # Watchers of the same caller and interest are told the same bytes.
        kept = row.encoded.get(self._interest)
        if kept is None:
            kept = row.encoded[self._interest] = _encoded(self._seal(cursor), change=_change(row))
        return kept

    def _seal(self, cursor: Cursor) -> str:
        return cursor.seal(self._hub.tokens, self._interest.binding)


def interest(caller: str, request: feed_pb2.WatchChangesRequest, published: Iterable[Published]) -> Interest:
    """What the call asks for, without what is for others alone."""
    company = (_COMPANY.parse(request.company) or {}).get("company", ANY)
    hidden = frozenset(each.type for each in published if each.readers and caller not in each.readers)
    return Interest(caller, frozenset(request.types), None if company == ANY else company, hidden)


def _encoded(cursor: str = "", **event: Any) -> bytes:
    return feed_pb2.WatchChangesResponse(cursor=cursor, **event).SerializeToString()


def _change(row: Row) -> feed_pb2.FeedChange:
    found: Mapping[str, Any] = row.change
    change = feed_pb2.FeedChange(
        type=found["type"],
        resource=found["resource"],
        action=change_pb2.Action.Value(f"ACTION_{found['action']}"),
        fields=found["fields"],
        scope=found["scope"],
        sequence=found["sequence"],
        actor=found["actor"],
        on_behalf_of=found["on_behalf_of"],
        request_id=found["request_id"],
        method=found["method"],
        schema_version=found["schema_version"],
    )
    time: datetime = found["time"]
    change.create_time.FromDatetime(time)
    if row.state is not None:
        change.state.update(dict(row.state))
    return change

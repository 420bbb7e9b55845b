"""The newest changes, read once for all streams, which take them from here at their own pace.

A stream that lags behind what is kept here reads from the database again, so that a slow reader holds up nobody and
nothing grows with it.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections import deque
from collections.abc import Iterable
from contextlib import suppress

import psycopg

from services.chassis import log
from services.chassis.changes.bell import CHANNEL
from services.chassis.changes.tokens import Tokens
from services.chassis.errors import Unavailable
from services.chassis.feed.cursors import Key, Snapshot
from services.chassis.feed.published import Published
from services.chassis.feed.reader import BATCH, FeedState, Read, Reader, Row, connect

KEPT = 4 * BATCH
_POLL_SECONDS = 0.5
_PATIENCE_SECONDS = 2.0
_ROUND_SECONDS = 5.0
_HELD_BACK_SECONDS = 0.1
"""A transaction that runs for longer is looked at: it may be none of this database."""
_MARKS = 4096
_SNAPSHOTS = 8
_CATCHING_UP = 4
_START: Key = (0, "", 0)


class Hub:
    """What one feed process knows. Everything runs in one event loop."""

    def __init__(self, url: str, published: Iterable[Published]) -> None:
        self.url = url
        self.reader = Reader(published)
        self.rows: list[Row] = []
        """Every change beyond `since` and up to `tail`."""
        self._keys: list[Key] = []
        self.since: Key = _START
        self.tail: Key = _START
        """Everything up to here is known."""
        self.complete: float | None = None
        """Everything committed before this time of the event loop's clock lies up to `tail`."""
        self._marks: deque[tuple[float, int]] = deque(maxlen=_MARKS)
        """Times, each with the first transaction that had not begun."""
        self._oldest = 0
        """The oldest transaction that ran when we last looked, and since when it does."""
        self._oldest_since = 0.0
        self.snapshots = asyncio.Semaphore(_SNAPSHOTS)
        self.catching_up = asyncio.Semaphore(_CATCHING_UP)
        """Streams have connections of their own for a while; the database has other things to do, too."""
        self._state: FeedState | None = None
        self._looked = 0.0
        self._tokens: Tokens | None = None
        self._waiting: set[asyncio.Future[None]] = set()
        self._rung: list[int] = []
        """Transactions that were about to commit and are not known to be over, the oldest first."""
        self._ready = asyncio.Event()

    @property
    def state(self) -> FeedState:
        """What cursors have in common; raises `Unavailable` while it cannot be known."""
        if self._state is None:
            raise Unavailable(
                "The feed has no database at present.", reason="DATABASE_UNAVAILABLE", retry_after_seconds=1
            )
        if not self._state.at_home:
            raise Unavailable(
                "The database was restored: its feed waits for the migration.",
                reason="FEED_RESTORED",
                retry_after_seconds=5,
            )
        return self._state

    async def ready(self) -> None:
        """Returns when there is a database to read from, or after a moment."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self._ready.wait()

    @property
    def tokens(self) -> Tokens:
        if self._tokens is None:
            self._tokens = Tokens(self.state.token_key)
        return self._tokens

    def after(self, key: Key) -> list[Row] | None:
        """The kept changes beyond the key; None if some may no longer be kept."""
        if key < self.since:
            return None
        return self.rows[bisect_right(self._keys, key) :]

    async def wait(self, seen: Key, seconds: float) -> None:
        """Returns when there is something beyond `seen`, or when the time is up."""
        if self._keys and self._keys[-1] > seen:
            return
        loop = asyncio.get_running_loop()
        moved = loop.create_future()
        timer = loop.call_later(seconds, _wake, moved)
        self._waiting.add(moved)
        try:
            await moved
        finally:
            timer.cancel()
            self._waiting.discard(moved)

    async def run(self) -> None:
        """Follows the database until cancelled, whatever happens to the connection."""
        while True:
            try:
                async with await connect(self.url) as connection:
                    await self._follow(connection)
            except Exception as error:
                # Whatever it was: nothing may end this, and a new connection begins with nothing.
                log.event("feed lost its database", error=type(error).__name__, where=log.frames(error))
            finally:
                self._state = None
                self._ready.clear()
            await asyncio.sleep(_POLL_SECONDS)

    async def _follow(self, connection: psycopg.AsyncConnection[dict[str, object]]) -> None:
        # A database that stopped answering ends the connection, rather than that nothing more is told.
        async with asyncio.timeout(_ROUND_SECONDS):
            await connection.execute(f"listen {CHANNEL}")
            await self.reader.prepare(connection)
            self._begin((await self.reader.horizon(connection)).xmin)
            await self._refresh(connection)
        while True:
            async with asyncio.timeout(_ROUND_SECONDS):
                await self._read(connection)
            # Whoever is about to commit is waited for by the next reading, and not here.
            patience = 0.0 if self._rung else _POLL_SECONDS
            async for heard in connection.notifies(timeout=patience, stop_after=1):
                self._rung += [int(each) for each in heard.payload.split(",") if each.isdecimal()]
            if asyncio.get_running_loop().time() >= self._looked + _POLL_SECONDS:
                async with asyncio.timeout(_ROUND_SECONDS):
                    await self._refresh(connection)

    async def _refresh(self, connection: psycopg.AsyncConnection[dict[str, object]]) -> None:
        state = await self.reader.state(connection)
        if self._state is not None and state.epoch != self._state.epoch:
            self._begin((await self.reader.horizon(connection)).xmin)
        if self._state is None or state.token_key != self._state.token_key:
            self._tokens = Tokens(state.token_key)
        self._state = state
        self._looked = asyncio.get_running_loop().time()
        self._ready.set()

    def _begin(self, horizon: int) -> None:
        self.rows, self._keys = [], []
        self.since = self.tail = (horizon, "", 0)
        self.complete = None
        self._marks.clear()
        self._rung.clear()

    async def _read(self, connection: psycopg.AsyncConnection[dict[str, object]]) -> None:
        """Takes over what lies below the horizon by now."""
        now = await self._read_below(connection)
        time = asyncio.get_running_loop().time()
        if now.xmin != self._oldest or now.xmin == now.xmax:
            self._oldest, self._oldest_since = now.xmin, time
        elif time > self._oldest_since + _HELD_BACK_SECONDS:
            await self._read_below(connection, await self.reader.oldest_of_ours(connection))

    async def _read_below(
        self, connection: psycopg.AsyncConnection[dict[str, object]], horizon: int | None = None
    ) -> Snapshot:
        while True:
            began = asyncio.get_running_loop().time()
            awaited = next(iter(self._rung), None) if horizon is None else None
            read = await self.reader.changes(connection, self.tail, horizon=horizon, awaited=awaited)
            self._marks.append((began, read.now.xmax))
            if horizon is None:
                self._forget_ended(read)
            if read.rows:
                self._keep(read.rows)
                # Streams first: what else is to be done here, nobody waits for.
                await asyncio.sleep(0)
            if len(read.rows) < BATCH:
                break
        below = read.now.xmin if horizon is None else horizon
        self.tail = max(self.tail, (below, "", 0))
        # What was committed before a mark had begun before it: it lies below the horizon once that has passed the mark.
        while self._marks and self._marks[0][1] <= below:
            self.complete, _ = self._marks.popleft()
        return read.now

    def _forget_ended(self, read: Read) -> None:
        """Leaves those who may not have committed yet; whoever was waited for in vain comes last."""
        first, rest = self._rung[:1], self._rung[1:]
        left = rest if read.awaited else rest + first
        self._rung = [each for each in left if not read.now.holds(each)]

    def _keep(self, rows: list[Row]) -> None:
        self.rows += rows
        self._keys += [row.key for row in rows]
        self.tail = self._keys[-1]
        if len(self.rows) > 2 * KEPT:
            dropped = len(self.rows) - KEPT
            self.since = self._keys[dropped - 1]
            del self.rows[:dropped], self._keys[:dropped]
        for waiting in self._waiting:
            _wake(waiting)


def _wake(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)

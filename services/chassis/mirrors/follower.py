"""Follows one source for as long as its process lives: watches its feed, and does in one transaction what a change
asks for and the note of having done it, so that each is done once, whatever is killed in between.

Changes that came meanwhile share a transaction, up to one that is reacted to: what follows is a change of its own.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from itertools import groupby

from prometheus_client import Counter, Gauge

from comptoir.changes.v1 import feed_pb2
from services.chassis import fault_points, log
from services.chassis.changes.log import SCHEMA_VERSION, ChangeLog, Stamp
from services.chassis.db.database import Database
from services.chassis.db.scope import Scope
from services.chassis.db.tenancy import ScopedSession
from services.chassis.errors import Fault, Invalid, Unavailable
from services.chassis.feed.client import FeedClient
from services.chassis.feed.gathering import gathered
from services.chassis.mirrors.lease import Lease, LeaseLost
from services.chassis.mirrors.told import Told, shown, told
from services.chassis.mirrors.writer import MirrorWriter
from services.chassis.vault.errors import KeyUnavailable

React = Callable[[ScopedSession, Told], None]
"""What a service does about a change, beside keeping a mirror; within the transaction, and confined to the change's
company or person."""

Answers = list[feed_pb2.WatchChangesResponse]
_BATCH = 200
"""Resources of a snapshot, or changes, in one transaction."""
_PAUSE_SECONDS = 0.5
_MOST_TRIES = 5
_STREAM_SECONDS = 600.0
"""A stream ends by itself after so long, so that a feed that hangs is not waited for for ever."""
_given_up = Counter("comptoir_reactions_given_up", "Changes that were not reacted to, by source.", ["source"])
_lag = Gauge(
    "comptoir_mirror_lag_seconds", "How old what is known of a source may be, by source.", ["source"]
)


class Follower:
    """One source, followed in a thread of its own while this process holds the lease."""

    def __init__(
        self,
        lease: Lease,
        writer: MirrorWriter,
        database: Database,
        dial: Callable[[], FeedClient],
        changes: ChangeLog,
        react: React | None = None,
        made_up_for: frozenset[str] = frozenset(),
        patience_seconds: float = 0.0,
    ) -> None:
        """`patience_seconds`: so long a reaction that cannot be done at present holds up what follows it."""
        self._lease = lease
        self._writer = writer
        self._database = database
        self._dial = dial
        self._changes = changes
        self._react = react
        self._made_up_for = made_up_for
        self._patience_seconds = patience_seconds
        # Who reacts hears of every type, so that its cursor stays good when it reacts to more.
        self._types = [] if react is not None else writer.types
        self._failed: defaultdict[str, int] = defaultdict(int)
        """How often a change or a resource was reacted to in vain."""
        self._reacting_to: str | None = None
        """The one that the transaction under way reacts to."""
        self._awaited: tuple[str, float] | None = None
        """The one that cannot be done at present, and since when."""
        self._most = _BATCH
        self._waiting: list[feed_pb2.Resource] = []
        self._stopping = threading.Event()
        self._client: FeedClient | None = None
        self._thread = threading.Thread(target=self._run, name=f"follow {lease.source}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Ends the stream and gives the lease back."""
        self._stopping.set()
        if self._client is not None:
            self._client.close()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._follow()
            except LeaseLost:
                log.event("lease lost", source=self._lease.source)
            except Fault as fault:
                log.event("source not followed", source=self._lease.source, reason=fault.reason)
            except Exception as error:
                # Nothing may end this thread: what fails now is tried again, from the same cursor.
                log.event(
                    "source not followed",
                    source=self._lease.source,
                    error=type(error).__name__,
                    where=log.frames(error),
                )
            self._stopping.wait(_PAUSE_SECONDS)

    def _follow(self) -> None:
        with self._database.transaction(Scope()) as session:
            _lag.labels(self._lease.source).set(self._lease.heard_seconds_ago(session) or 0)
            cursor = self._lease.take(session)
        if cursor is None:
            return
        self._client = client = self._dial()
        self._waiting.clear()
        if not cursor:
            self._writer.begin()
        request = feed_pb2.WatchChangesRequest(cursor=cursor, types=self._types)
        try:
            with closing(gathered(client.watch(request, seconds=_STREAM_SECONDS), _BATCH)) as stream:
                while not self._stopping.is_set() and (answers := self._next(stream)):
                    self._take(answers)
        finally:
            client.close()
            with self._database.transaction(Scope()) as session:
                self._lease.release(session)

    def _next(self, stream: Generator[Answers, None, None]) -> Answers:
        try:
            return next(stream, [])
        except Invalid:
            # The cursor is refused: we ask for other types than before, or the source is another. Begin anew.
            with self._database.transaction(Scope()) as session:
                self._lease.advance(session, "")
            raise

    def _take(self, answers: Answers) -> None:
        for scope, group in groupby(answers, key=_scope):
            if scope is not None:
                self._apply(deque(group), scope)
                continue
            for answer in group:
                self._hear_of(answer)

    def _hear_of(self, answer: feed_pb2.WatchChangesResponse) -> None:
        match answer.WhichOneof("event"):
            case "heartbeat":
                self._hear(answer)
            case "resource":
                self._waiting.append(answer.resource)
                if len(self._waiting) >= _BATCH:
                    self._put()
                if answer.resource.type in self._made_up_for:
                    self._make_up_for(answer.resource)
            case "snapshot_end":
                self._put(answer.cursor)
                self._failed.clear()
                self._awaited = None
            case "resync":
                log.event("source begins anew", source=self._lease.source)
                self._writer.begin()

    def _apply(self, answers: deque[feed_pb2.WatchChangesResponse], of: str) -> None:
        """Changes of one scope."""
        scope = _scope_of(of)
        most, self._most = self._most, 1
        while answers:
            with self._counting(), self._database.transaction(scope) as session:
                self._together(session, answers, most)
                fault_points.reach("mirror.before_commit")
            fault_points.reach("mirror.after_commit")
        # A change that cannot be done is met again alone, or those before it would hide how often it was tried.
        self._most = _BATCH

    def _together(
        self, session: ScopedSession, answers: deque[feed_pb2.WatchChangesResponse], most: int
    ) -> None:
        """Does what the first of these ask for, up to one that is reacted to."""
        if self._react is not None:
            self._hold_lease(session)
        for _ in range(min(most, len(answers))):
            answer = answers.popleft()
            self._writer.apply(session, answer.change)
            if self._reacted(session, answer.change):
                break
        self._lease.advance(session, answer.cursor)

    def _hold_lease(self, session: ScopedSession) -> None:
        """However long the reaction takes, nobody else follows before the transaction is over."""
        self._lease.advance(session, None)

    def _reacted(self, session: ScopedSession, change: feed_pb2.FeedChange) -> bool:
        """Reacts to the change, if it is one to react to; whether anything was written."""
        if self._react is None or change.schema_version > SCHEMA_VERSION:
            return False
        return self._done(session, told(change), f"{change.scope} {change.sequence}")

    def _make_up_for(self, resource: feed_pb2.Resource) -> None:
        """Reacts to what a snapshot shows: the change that made it may have come while nothing was followed. If that
        fails the snapshot begins anew: once it is complete, nothing would show this again."""
        self._put()
        change = shown(resource, self._lease.source)
        with self._counting(), self._database.transaction(_scope_of(change.scope)) as session:
            self._hold_lease(session)
            self._done(session, change, change.resource)

    @contextmanager
    def _counting(self) -> Iterator[None]:
        """Counts what fails in the block, up to its commit, against what is reacted to there."""
        self._reacting_to = None
        try:
            yield
        except LeaseLost:
            raise
        except Exception as error:
            if self._reacting_to is not None and not self._is_for_later(error, self._reacting_to):
                self._failed[self._reacting_to] += 1
            raise
        if self._reacting_to is not None:
            self._failed.pop(self._reacting_to, None)

    def _is_for_later(self, error: Exception, place: str) -> bool:
        """Whether this cannot be done at present, and has not been waited for for too long."""
        if not isinstance(error, Unavailable | KeyUnavailable):
            return False
        if self._awaited is None or self._awaited[0] != place:
            self._awaited = place, time.monotonic()
        return time.monotonic() < self._awaited[1] + self._patience_seconds

    def _give_up(self, change: Told) -> None:
        """A mirror that stood still for one message nobody can write would keep everybody from writing."""
        log.event("reaction given up", source=self._lease.source, type=change.type)
        _given_up.labels(self._lease.source).inc()

    def _done(self, session: ScopedSession, change: Told, place: str) -> bool:
        """Reacts to the change, unless that failed too often, and records what was written; whether anything was."""
        assert self._react is not None
        if self._failed.get(place, 0) >= _MOST_TRIES:
            self._give_up(change)
            return False
        self._reacting_to = place
        self._react(session, change)
        session.flush()
        wrote = self._changes.append(session, _stamp(change)) is not None
        if not wrote:
            # What follows in the same transaction is not its affair.
            self._reacting_to = None
        return wrote

    def _put(self, cursor: str | None = None) -> None:
        with self._database.transaction(Scope(mirror=True)) as session:
            for resource in self._waiting:
                self._writer.put(session, resource)
            if cursor is not None:
                self._writer.end(session)
            self._lease.advance(session, cursor)
        self._waiting.clear()

    def _hear(self, answer: feed_pb2.WatchChangesResponse) -> None:
        heard = answer.heartbeat.HasField("age")
        age = answer.heartbeat.age.ToTimedelta().total_seconds() if heard else None
        with self._database.transaction(Scope()) as session:
            self._lease.advance(session, answer.cursor, age)
        if age is not None:
            _lag.labels(self._lease.source).set(age)


def _scope(answer: feed_pb2.WatchChangesResponse) -> str | None:
    """The scope of a change; None for whatever else is told."""
    return answer.change.scope if answer.HasField("change") else None


def _scope_of(of: str) -> Scope:
    """What is done about a change of this scope is confined to it."""
    kind, _, owner = of.partition("/")
    return Scope(
        company=owner if kind == "companies" else None,
        user=owner if kind == "users" else None,
        mirror=True,
    )


def _stamp(change: Told) -> Stamp:
    """What follows from a change was done by whoever made it."""
    return Stamp(
        time=datetime.now(UTC),
        actor=change.actor,
        on_behalf_of=change.on_behalf_of,
        request_id=change.request_id,
        method=change.method,
        reason=f"follows from {change.resource}",
    )

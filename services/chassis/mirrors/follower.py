"""Follows one source for as long as its process lives: watches its feed, and does in one transaction what a change
asks for and the note of having done it, so that each is done once, whatever is killed in between."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime

from prometheus_client import Gauge

from comptoir.changes.v1 import feed_pb2
from services.chassis import fault_points, log
from services.chassis.changes.log import ChangeLog, Stamp
from services.chassis.db.database import Database
from services.chassis.db.scope import Scope
from services.chassis.db.tenancy import ScopedSession
from services.chassis.errors import Fault, Invalid
from services.chassis.feed.client import FeedClient
from services.chassis.mirrors.lease import Lease, LeaseLost
from services.chassis.mirrors.told import Told, told
from services.chassis.mirrors.writer import MirrorWriter

React = Callable[[ScopedSession, Told], None]
"""What a service does about a change, beside keeping a mirror; within the transaction, and confined to the change's
company or person."""

_BATCH = 200
"""Resources of a snapshot in one transaction."""
_PAUSE_SECONDS = 0.5
_lag = Gauge("comptoir_mirror_lag_seconds", "How long ago a source was last heard, by source.", ["source"])


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
        types: tuple[str, ...] = (),
    ) -> None:
        self._lease = lease
        self._writer = writer
        self._database = database
        self._dial = dial
        self._changes = changes
        self._react = react
        self._types = sorted({*writer.types, *types})
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
        try:
            for answer in client.watch(feed_pb2.WatchChangesRequest(cursor=cursor, types=self._types)):
                self._take(answer)
                if self._stopping.is_set():
                    break
        except Invalid:
            # We ask for other types than before, or the source is another: begin anew.
            self._advance(Scope(), "")
            raise
        finally:
            client.close()
            with self._database.transaction(Scope()) as session:
                self._lease.release(session)

    def _take(self, answer: feed_pb2.WatchChangesResponse) -> None:
        match answer.WhichOneof("event"):
            case "change":
                self._apply(answer.change, answer.cursor)
            case "heartbeat":
                self._advance(Scope(), answer.cursor)
            case "resource":
                self._waiting.append(answer.resource)
                if len(self._waiting) >= _BATCH:
                    self._put()
            case "snapshot_end":
                self._put(answer.cursor)
            case "resync":
                log.event("source begins anew", source=self._lease.source)
                self._writer.begin()

    def _apply(self, change: feed_pb2.FeedChange, cursor: str) -> None:
        kind, _, owner = change.scope.partition("/")
        scope = Scope(
            company=owner if kind == "companies" else None,
            user=owner if kind == "users" else None,
            mirror=True,
        )
        with self._database.transaction(scope) as session:
            self._writer.apply(session, change)
            if self._react is not None:
                self._react(session, told(change))
                session.flush()
                revision = self._changes.append(session, _stamp(change))
            else:
                revision = None
            self._lease.advance(session, cursor)
            fault_points.reach("mirror.before_commit")
        fault_points.reach("mirror.after_commit")
        if revision is not None:
            self._changes.ring()
        _lag.labels(self._lease.source).set(max(0.0, datetime.now(UTC).timestamp() - _seconds(change)))

    def _put(self, cursor: str | None = None) -> None:
        with self._database.transaction(Scope(mirror=True)) as session:
            for resource in self._waiting:
                self._writer.put(session, resource)
            if cursor is not None:
                self._writer.end(session)
            self._lease.advance(session, cursor)
        self._waiting.clear()

    def _advance(self, scope: Scope, cursor: str) -> None:
        with self._database.transaction(scope) as session:
            self._lease.advance(session, cursor)
        _lag.labels(self._lease.source).set(0)


def _stamp(change: feed_pb2.FeedChange) -> Stamp:
    """What follows from a change was done by whoever made it."""
    return Stamp(
        time=datetime.now(UTC),
        actor=change.actor,
        on_behalf_of=change.on_behalf_of,
        request_id=change.request_id,
        method=change.method,
        reason=f"follows from {change.resource}",
    )


def _seconds(change: feed_pb2.FeedChange) -> float:
    return change.create_time.seconds + change.create_time.nanos / 1e9

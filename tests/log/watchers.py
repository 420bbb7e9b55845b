"""Watchers that write down all they are told, across every end of their stream, and judge it as it comes."""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from zlib import crc32

from comptoir.changes.v1 import change_pb2, feed_pb2
from services.chassis.errors import Exhausted, TimedOut, Unavailable
from services.chassis.feed.client import FeedClient
from tests.log.world import World

SHOP = "comptoir.shop/Shop"
_RECONNECT_SECONDS = 0.3
_ACTIONS = {number: name.removeprefix("ACTION_") for name, number in change_pb2.Action.items()}


@dataclass
class Trace:
    """Everything told of one scope in one segment: in order, and each once."""

    first: int
    last: int = 0
    told: int = 0
    digest: int = 0


@dataclass
class Segment:
    """From a beginning to the next, or to the end: what was told, and the resources it began with."""

    began_with: dict[str, int] | None
    """For each company, the print of the labels in the snapshot; None for a watcher of changes only."""
    traces: dict[str, Trace] = field(default_factory=dict)


def mark(digest: int, sequence: int, request: str, resource: str, action: str) -> int:
    """Goes on with the digest of a series of changes."""
    return crc32(f"{sequence} {request} {resource} {action}\n".encode(), digest)


def label_print(name: str, label: str) -> int:
    """What one shop adds to the print of a company's labels, in whatever order they come."""
    return int.from_bytes(blake2b(f"{name} {label}".encode(), digest_size=8).digest())


def prints(labels: Mapping[str, str]) -> dict[str, int]:
    """The print of the labels of each company."""
    found: dict[str, int] = {}
    for name, label in labels.items():
        company = name.partition("/shops/")[0]
        found[company] = found.get(company, 0) + label_print(name, label)
    return found


class Watcher:
    """One watcher, in a thread, until it is stopped."""

    def __init__(
        self,
        world: World,
        name: str,
        seed: int,
        *,
        source: str = "shop",
        caller: str = "mailer",
        snapshot: bool = False,
        company: str = "",
        types: tuple[str, ...] = (),
        slow: float = 0.0,
        restless: float = 0.0,
        away: float = _RECONNECT_SECONDS,
    ) -> None:
        """`slow`: seconds it takes over each change; `restless`: how probable it is, at each, that it leaves for
        `away` seconds.
        """
        self.name, self.source, self.company, self.types = name, source, company, types
        self.segments: list[Segment] = []
        self.labels: dict[str, str] = {}
        """Of the shops, as they were told last."""
        self.resyncs = self.connections = self.heard = 0
        self.failure: BaseException | None = None
        self._world = world
        self._caller = caller
        self._snapshot = snapshot
        self._slow, self._restless, self._away = slow, restless, away
        self._dice = random.Random(f"{seed} {name}")
        self._cursor = ""
        self._resources: dict[str, str] = {}
        self._beats = 0
        self._stopping = threading.Event()
        self._client: FeedClient | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def reached(self, scope: str) -> int:
        """The last sequence told of a scope since the last beginning; 0 for none."""
        traces = self.segments[-1].traces if self.segments else {}
        return traces[scope].last if scope in traces else 0

    def raise_failure(self) -> None:
        if self.failure is not None:
            raise AssertionError(f"{self.name}: {self.failure}") from self.failure

    def settle(self) -> None:
        """From now on it neither leaves nor dawdles, or a long way to catch up on would never end."""
        self._restless = self._slow = 0.0
        self._beats = 0

    @property
    def is_abreast(self) -> bool:
        """Whether it has been told, since it settled, that there was no more."""
        return self._beats > 0

    def stop(self) -> None:
        """Ends it; raises what it objected to."""
        self._stopping.set()
        if self._client is not None:
            self._client.close()
        self._thread.join()
        self.raise_failure()

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._watch()
        except BaseException as error:
            self.failure = error

    def _watch(self) -> None:
        self._resources = {}
        self.connections += 1
        address = f"127.0.0.1:{self._world.platform.ports[f'{self.source}-feed']}"
        self._client = client = FeedClient(address, self._world.certificates(self._caller))
        request = feed_pb2.WatchChangesRequest(
            cursor=self._cursor, types=self.types, company=self.company, changes_only=not self._snapshot
        )
        pause = _RECONNECT_SECONDS
        try:
            for told in client.watch(request):
                self._take(told)
                if self._slow:
                    self._stopping.wait(self._slow)
                if self._stopping.is_set():
                    return
                if self._dice.random() < self._restless:
                    pause = self._away
                    break
        except (Unavailable, TimedOut, Exhausted):
            pass
        except ValueError:
            # The channel was closed by `stop` before the stream began.
            if not self._stopping.is_set():
                raise
        finally:
            client.close()
        self._stopping.wait(pause)

    def _take(self, told: feed_pb2.WatchChangesResponse) -> None:
        self.heard += 1
        match told.WhichOneof("event"):
            case "resync":
                self.resyncs += 1
                self._resources = {}
            case "resource":
                if told.resource.type == SHOP:
                    self._resources[told.resource.name] = str(told.resource.state["display_name"])
            case "snapshot_end":
                self.labels, self._resources = self._resources, {}
                self.segments.append(Segment(prints(self.labels) if self._snapshot else None))
            case "change":
                self._changed(told.change)
            case "heartbeat":
                self._beats += 1
        # What comes within a snapshot has no cursor: until its end there is no place to go on from.
        self._cursor = told.cursor or self._cursor

    def _changed(self, change: feed_pb2.FeedChange) -> None:
        assert self.segments, "a change came before the place it comes after"
        segment = self.segments[-1]
        trace = segment.traces.get(change.scope)
        if trace is None:
            trace = segment.traces[change.scope] = Trace(change.sequence)
        elif self.types:
            assert change.sequence > trace.last, f"{change.scope}: {change.sequence} after {trace.last}"
        else:
            assert change.sequence == trace.last + 1, f"{change.scope}: {change.sequence} after {trace.last}"
        assert not self.company or change.resource.startswith(f"{self.company}/"), change.resource
        assert not self.types or change.type in self.types, change.type
        action = _ACTIONS[change.action]
        trace.last, trace.told = change.sequence, trace.told + 1
        trace.digest = mark(trace.digest, change.sequence, change.request_id, change.resource, action)
        if change.type == SHOP and change.HasField("state"):
            self.labels[change.resource] = str(change.state["display_name"])

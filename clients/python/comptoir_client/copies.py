"""What is kept of one source: its resources as they were told last, and how old that is.

Nothing here talks to anybody: messages go in, and time is asked of whoever made it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Generic, TypeVar

from comptoir_client import wire

SCHEMA_VERSION = 1
"""Version of the shape of changes; of a resource with a later one nothing is kept."""
LIVE_SECONDS = 3.0
"""A feed beats every second and looks twice a second: what is older has not been heard for two beats."""
_log = logging.getLogger("comptoir_client")
T = TypeVar("T")


class State(Enum):
    """How far a copy is to be trusted."""

    COLD = "COLD"
    """Nothing is known yet."""
    LIVE = "LIVE"
    """Everything is known but for the last moments."""
    STALE = "STALE"
    """Everything is known as it was; what changed since is not."""


@dataclass(frozen=True, slots=True)
class Change:
    """A resource changed; the copy shows it by now."""

    type: str
    resource: str
    """Its name."""
    action: str
    """CREATE, UPDATE or DELETE."""
    fields: tuple[str, ...]
    """Paths of the fields that changed."""
    scope: str
    """In whose log it stands: `companies/…`."""
    sequence: int
    """Its number in that log: it rises, and skips what is not told here."""
    create_time: datetime
    request_id: str


@dataclass(frozen=True, slots=True)
class Renewed:
    """The copy was made anew: what changed in between was not told one by one."""

    source: str


@dataclass(frozen=True)
class Kind(Generic[T]):
    """What a copy holds."""

    source: str
    type: str
    key: Callable[[str], str]
    """What a resource is found by, from its name."""
    read: Callable[[str, Mapping[str, Any]], T]
    """The resource, from its name and its published fields."""


@dataclass(frozen=True)
class Clock:
    """Where time comes from: seconds that only rise, and those since 1970 that last over a restart."""

    monotonic: Callable[[], float]
    wall: Callable[[], float]


class Copy(Generic[T]):
    """One thread tells it; any thread may read."""

    def __init__(self, kind: Kind[T], clock: Clock) -> None:
        self.kind = kind
        self.cursor = ""
        """Where to go on in the feed; empty to begin."""
        self.changed = False
        """Whether it holds more than what was saved."""
        self._clock = clock
        self._entries: dict[str, T] = {}
        self._coming: dict[str, T] | None = None
        self._known = False
        self._complete = float("-inf")
        self._heard_of = False
        self._moved = threading.Condition()

    def get(self, key: str) -> T | None:
        """The resource as it was told last."""
        return self._entries.get(key)

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def entries(self) -> Mapping[str, T]:
        """Everything, by key. It changes under whoever looks, unless that is the thread that tells."""
        return self._entries

    @property
    def staleness_seconds(self) -> float:
        """Everything until so long ago is known, by the feed's own word when it arrived; infinite while COLD."""
        return max(0.0, self._clock.monotonic() - self._complete)

    @property
    def state(self) -> State:
        if not self._known:
            return State.COLD
        # A wall clock that was set back makes what was saved look young: only the feed's own word makes it LIVE.
        young = self._heard_of and self.staleness_seconds <= LIVE_SECONDS
        return State.LIVE if young else State.STALE

    @property
    def complete_time(self) -> float:
        """Seconds since 1970 until which everything is known."""
        return self._clock.wall() - self.staleness_seconds

    def wait_live(self, seconds: float) -> bool:
        """Whether it is LIVE, or becomes so in time."""
        with self._moved:
            return self._moved.wait_for(lambda: self.state is State.LIVE, seconds)

    def begin(self) -> None:
        """A stream begins: with a snapshot where there is no cursor. What was left of another stream's is void."""
        self._coming = None if self.cursor else {}

    def forget_cursor(self) -> None:
        """The feed does not know it any more: everything is to be told anew."""
        self.cursor = ""

    def restore(self, entries: dict[str, T], cursor: str, complete_time: float) -> None:
        """Takes over what an earlier process knew."""
        age = max(0.0, self._clock.wall() - complete_time)
        self._entries, self.cursor, self._known = entries, cursor, True
        self._complete = self._clock.monotonic() - age

    def take(self, answer: Any) -> Change | Renewed | None:
        """What the feed tells next, and what of it others may want to hear."""
        event = answer.WhichOneof("event")
        if event == "resource":
            self._put(self._coming if self._coming is not None else self._entries, answer.resource)
            return None
        if event == "resync":
            _log.info("%s: the feed begins anew", self.kind.source)
            # Until the new snapshot is whole, what is known already goes on to count.
            self._coming = {}
            return None
        heard: Change | Renewed | None = None
        if event == "snapshot_end":
            heard = self._snapshot_ended()
        elif event == "change":
            heard = self._change(answer.change)
        # What comes within a snapshot has no cursor: until its end there is no place to go on from.
        self.cursor = answer.cursor or self.cursor
        if event == "heartbeat" and answer.heartbeat.HasField("age"):
            self._heard(answer.heartbeat.age.ToTimedelta().total_seconds())
        return heard

    def _snapshot_ended(self) -> Renewed:
        if self._coming is not None:
            self._entries, self._coming = self._coming, None
        self._known = self.changed = True
        return Renewed(self.kind.source)

    def _change(self, change: Any) -> Change | None:
        if change.type != self.kind.type:
            return None
        if change.schema_version > SCHEMA_VERSION:
            # What it is now cannot be read here, and what it was is no longer true: the service itself is asked.
            self._entries.pop(self.kind.key(change.resource), None)
            self.changed = True
            return None
        if change.HasField("state"):
            self._put(self._entries, change, change.resource)
        else:
            self._entries.pop(self.kind.key(change.resource), None)
        self.changed = True
        return Change(
            change.type,
            change.resource,
            wire.choice(change, "action").removeprefix("ACTION_"),
            tuple(change.fields),
            change.scope,
            change.sequence,
            change.create_time.ToDatetime(UTC),
            change.request_id,
        )

    def _put(self, entries: dict[str, T], told: Any, name: str = "") -> None:
        name = name or told.name
        key = self.kind.key(name)
        try:
            entries[key] = self.kind.read(name, wire.plain(told.state))
        except (LookupError, TypeError, ValueError) as error:
            # Of what cannot be understood nothing is kept: the service itself is asked for it.
            entries.pop(key, None)
            _log.warning("%s: not understood: %s (%s)", self.kind.source, name, type(error).__name__)

    def _heard(self, age: float) -> None:
        with self._moved:
            self._complete, self._heard_of = self._clock.monotonic() - age, True
            self._moved.notify_all()

"""Unwrapped data keys in memory: the least recently used go first, none stays usable beyond its age."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from services.chassis.vault.secret import Secret


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A data key as it is stored: unreadable without the KEK generation named `kek_id`."""

    company: str
    version: int
    kek_id: str
    wrapped: bytes


@dataclass(frozen=True, slots=True)
class DataKey:
    """A data key ready for use, with the stored form it came from."""

    stored: WrappedKey
    key: Secret


class KeyCache:
    """At most `capacity` keys for at most `max_age_seconds` since they were unwrapped.

    The age is the longest that an erased company's key outlives its erasure in another process.
    """

    def __init__(
        self,
        *,
        capacity: int = 1024,
        max_age_seconds: float = 300,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._capacity = capacity
        self._max_age_seconds = max_age_seconds
        self._clock = clock
        self._entries: OrderedDict[tuple[str, int], tuple[float, DataKey]] = OrderedDict()
        self._lock = Lock()

    def get(self, company: str, version: int) -> DataKey | None:
        with self._lock:
            entry = self._entries.get((company, version))
            if entry is None or self._is_old(entry[0]):
                return None
            self._entries.move_to_end((company, version))
            return entry[1]

    def put(self, key: DataKey) -> None:
        name = (key.stored.company, key.stored.version)
        with self._lock:
            for each in [each for each, (since, _) in self._entries.items() if self._is_old(since)]:
                del self._entries[each]
            self._entries[name] = (self._clock(), key)
            self._entries.move_to_end(name)
            if len(self._entries) > self._capacity:
                self._entries.popitem(last=False)

    def forget(self, company: str) -> None:
        with self._lock:
            for each in [each for each in self._entries if each[0] == company]:
                del self._entries[each]

    def flush(self) -> None:
        with self._lock:
            self._entries.clear()

    def __len__(self) -> int:
        with self._lock:
            return len(self._entries)

    def _is_old(self, since: float) -> bool:
        return self._clock() - since >= self._max_age_seconds

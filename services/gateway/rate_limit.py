"""How fast one client may go on: a token bucket each, in the memory of this worker.

It keeps one client's mistake, such as a loop without a pause, from taking the others' share; it is no billing meter.
Limits on guessing (sign-in, codes) are counters in identity, which see all workers.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from services.chassis.errors import Exhausted

_MOST_CLIENTS = 10_000
POLICY = "requests"


@dataclass(frozen=True)
class Level:
    """What is left to a client, for the `RateLimit` headers (draft-ietf-httpapi-ratelimit-headers)."""

    burst: int
    per_second: float
    left: int
    wait_seconds: float = 0.0
    """How long until the next request; 0 for one that is allowed."""

    def check(self) -> None:
        """Raises `Exhausted` for a request that is not allowed."""
        if self.wait_seconds:
            raise Exhausted(
                "Too many requests in a short time.",
                reason="RATE_LIMITED",
                retry_after_seconds=self.wait_seconds,
            )

    @property
    def headers(self) -> dict[str, str]:
        window = round(self.burst / self.per_second)
        refill = round((self.burst - self.left) / self.per_second)
        return {
            "RateLimit-Policy": f'"{POLICY}";q={self.burst};w={window}',
            "RateLimit": f'"{POLICY}";r={self.left};t={refill}',
        }


class RateLimit:
    """Buckets of clients; the least recently seen are forgotten, which fills them."""

    def __init__(
        self, per_second: float, burst: int, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_second = per_second
        self._burst = burst
        self._monotonic = monotonic
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def give_back(self, client: str) -> None:
        """Takes back one request that was counted."""
        with self._lock:
            if client in self._buckets:
                left, since = self._buckets[client]
                self._buckets[client] = (left + 1, since)

    def take(self, client: str) -> Level:
        """Counts one request, unless the client has none left."""
        now = self._monotonic()
        with self._lock:
            left, since = self._buckets.pop(client, (float(self._burst), now))
            left = min(self._burst, left + (now - since) * self._per_second)
            allowed = left >= 1
            self._buckets[client] = (left - allowed, now)
            if len(self._buckets) > _MOST_CLIENTS:
                self._buckets.popitem(last=False)
        if not allowed:
            return Level(self._burst, self._per_second, 0, (1 - left) / self._per_second)
        return Level(self._burst, self._per_second, int(left - 1))

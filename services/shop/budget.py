"""How often something costly may be done for each of many: a token bucket each, in the memory of this process."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

_MOST = 10_000


class Budget:
    """`burst` at once, then `per_second`. Who was not seen for longest is forgotten, which fills their bucket."""

    def __init__(
        self, per_second: float, burst: int, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_second = per_second
        self._burst = burst
        self._monotonic = monotonic
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def spend(self, whose: str) -> bool:
        """Whether it may be done once more."""
        now = self._monotonic()
        with self._lock:
            left, since = self._buckets.pop(whose, (float(self._burst), now))
            left = min(self._burst, left + (now - since) * self._per_second)
            allowed = left >= 1
            self._buckets[whose] = (left - allowed, now)
            if len(self._buckets) > _MOST:
                self._buckets.popitem(last=False)
        return allowed

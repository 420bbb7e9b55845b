"""How long the mail server is left alone after it failed as a whole, so that no single mail pays for that."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

_FIRST = timedelta(seconds=5)
LONGEST = timedelta(minutes=1)
"""Short, since a link that waits here grows old: reset links live half an hour."""


class Relay:
    """What one sender knows of the mail server."""

    def __init__(self) -> None:
        self._failures = 0
        self._rest = timedelta()
        self._failed_time: datetime | None = None

    def failed(self, now: datetime) -> None:
        """Twice as long as the last time, up to a minute, less a random part."""
        full = min(LONGEST, _FIRST * (1 << min(self._failures, 10)))
        self._failures += 1
        self._rest = full * random.uniform(0.5, 1)  # noqa: S311 - spreads retries, protects nothing
        self._failed_time = now

    def answered(self) -> None:
        """It works, whatever it said of one mail."""
        self._failures, self._failed_time = 0, None

    def rests(self, now: datetime) -> bool:
        """Whether it is too early to try again; a clock that was put back prolongs nothing."""
        return self._failed_time is not None and timedelta() <= now - self._failed_time < self._rest

"""Waits with a patience that outlasts the restart of anything."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from services.chassis.testing import waiting

PATIENCE_SECONDS = 600.0
"""Outlasts a machine that has much else to do: what is asserted is that something comes, and not how soon."""
T = TypeVar("T")


def until(found: Callable[[], T | None], what: str, seconds: float = PATIENCE_SECONDS) -> T:
    """What `found` gives once it gives something."""
    return waiting.until(found, what, seconds)


def while_moving(found: Callable[[], T | None], place: Callable[[], object], what: str) -> T:
    """The same for a long way, where the patience is with standing still: it begins anew wherever `place` is new."""
    stood, since = place(), time.monotonic()

    def moving() -> T | None:
        nonlocal stood, since
        value = found()
        if value:
            return value
        now = place()
        if now != stood:
            stood, since = now, time.monotonic()
        assert time.monotonic() < since + PATIENCE_SECONDS, f"it stands still at {stood}: {what}"
        return None

    return waiting.until(moving, what, float("inf"))

"""Waits for what must become true, with an end to it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE_SECONDS = 20.0
_tick = threading.Event()
T = TypeVar("T")


def until(found: Callable[[], T | None], what: str) -> T:
    """What `found` gives once it gives something."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        value = found()
        if value is not None and value is not False:
            return value
        _tick.wait(0.02)
    raise AssertionError(f"it never came true: {what}")

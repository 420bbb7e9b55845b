"""Waits for what must become true, with an end to it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE_SECONDS = 60.0
"""Outlasts a busy machine: what is waited for comes within a second of one that is not."""
_tick = threading.Event()
T = TypeVar("T")


def until(found: Callable[[], T | None], what: str, seconds: float = PATIENCE_SECONDS) -> T:
    """What `found` gives once it gives something."""
    end = time.monotonic() + seconds
    while True:
        value = found()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"it never came true: {what}")
        _tick.wait(0.02)

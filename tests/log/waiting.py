"""Waits with a patience that outlasts the restart of anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from services.chassis.testing import waiting

PATIENCE_SECONDS = 120.0
T = TypeVar("T")


def until(found: Callable[[], T | None], what: str, seconds: float = PATIENCE_SECONDS) -> T:
    """What `found` gives once it gives something."""
    return waiting.until(found, what, seconds)

"""Time, injected wherever it matters, so that tests never wait."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """Now, with its zone."""
    return datetime.now(UTC)

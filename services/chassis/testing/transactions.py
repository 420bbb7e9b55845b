"""Whether a service goes to its database for something."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import event

from services.chassis.testing.running import Running


def begins_none(running: Running, act: Callable[[], object]) -> bool:
    """Does it, and says whether no transaction of the service's calls was begun meanwhile."""
    begun: list[object] = []
    engine, note = running.resources.database.engine, begun.append
    event.listen(engine, "begin", note)
    try:
        act()
    finally:
        event.remove(engine, "begin", note)
    return not begun

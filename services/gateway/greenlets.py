"""Synchronous code in the event loop: in a greenlet, which lets go of the loop while it waits for a service.

To hand a request over to a thread and back costs about as much as what Flask does with it. Whoever runs here holds no
lock while it waits: whoever wants the lock would stop the loop, in which it is to be set free.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

from greenlet import getcurrent, greenlet

T = TypeVar("T")


class _Work(greenlet):
    """What was begun by `run`."""


async def run(work: Callable[[], T]) -> T:
    """What the work returns or raises; whatever it waits for by `wait_for` is awaited here."""
    inside = _Work(work, getcurrent())
    given: Any = inside.switch()
    while not inside.dead:
        try:
            answer = await given
        except BaseException as error:
            given = inside.throw(error)
        else:
            given = inside.switch(answer)
    return cast(T, given)


def is_inside() -> bool:
    """Whether this runs in the event loop, by `run`."""
    return isinstance(getcurrent(), _Work)


def wait_for(awaitable: Awaitable[T]) -> T:
    """Its result, while the loop goes on; to be called only inside."""
    loop = getcurrent().parent
    assert loop is not None
    return cast(T, loop.switch(awaitable))

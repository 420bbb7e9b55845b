"""How many requests the gateway has in hand: so many for each service, so that one that hangs holds up only itself; and
lanes of threads for what Flask answers."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from services.gateway.faults import Busy

LONGEST_WAIT_SECONDS = 10.0
"""Whoever waited longer has been given up by its client."""
_MOST = 256

OWN = "gateway"
"""Lane of what needs no service: pages, documents, health."""
SIGN_IN = "identity"
"""Lane of everything else, the OAuth endpoints above all, which ask identity."""
_OWN_PATHS = re.compile(r"/(?:healthz|openapi\.json|reference|problems(?:/[^/]*)?|(?:static|look)/.*)")

T = TypeVar("T")


class Room:
    """So many requests at once, under way or waiting, and no more."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._present = 0

    @contextmanager
    def place(self) -> Iterator[None]:
        """Holds a place; raises `Busy` when there is none."""
        if self._present >= self._most:
            raise _busy()
        self._present += 1
        try:
            yield
        finally:
            self._present -= 1


class Lane:
    """Threads of its own, and a room to wait for them."""

    def __init__(self, name: str, threads: int, most: int = _MOST) -> None:
        self.name = name
        self._threads = ThreadPoolExecutor(threads, name)
        self._room = Room(most)

    async def run(self, work: Callable[[], T]) -> T:
        """Does the work in one of the threads; raises `Busy` when too many wait, or when it waited too long."""
        with self._room.place():
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, _in_time, work, time.monotonic())

    def close(self) -> None:
        """Finishes what is under way."""
        self._threads.shutdown(cancel_futures=True)


class Lanes:
    """The lane of each path that is not REST's."""

    def __init__(self, threads: int) -> None:
        self._lanes = {name: Lane(name, threads) for name in (OWN, SIGN_IN)}

    def of(self, path: str) -> Lane:
        """The lane that a request for this path goes by."""
        return self._lanes[OWN if _OWN_PATHS.fullmatch(path) else SIGN_IN]

    def close(self) -> None:
        for lane in self._lanes.values():
            lane.close()


def _in_time(work: Callable[[], T], since: float) -> T:
    if time.monotonic() - since > LONGEST_WAIT_SECONDS:
        raise _busy()
    return work()


def _busy() -> Busy:
    return Busy("Too many requests wait for this part of the platform.", retry_after_seconds=1)

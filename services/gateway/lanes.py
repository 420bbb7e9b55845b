"""How many requests the gateway has in hand: so many for each service, so that one that hangs holds up only itself; and
the lanes of what Flask answers."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Protocol, TypeVar

from services.gateway import greenlets
from services.gateway.faults import Busy

LONGEST_WAIT_SECONDS = 10.0
"""Whoever waited longer has been given up by its client."""
_MOST = 256

OWN = "gateway"
"""Lane of what needs no service: pages, documents, health."""
TOKENS = "tokens"
"""Lane of the endpoints for applications that ask identity once and compute next to nothing."""
SIGN_IN = "identity"
"""Lane of everything else, the pages above all, which ask identity."""
_TOKEN_PATHS = re.compile(r"/oauth2/(?:token|revoke|introspect)")
_OWN_PATHS = re.compile(
    r"/(?:|healthz|openapi\.json|reference|problems(?:/[^/]*)?|oauth2/jwks|help(?:/faq)?"
    r"|(?:static|look|\.well-known)/.*)"
)

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


class Lane(Protocol):
    """Where work is done."""

    async def run(self, work: Callable[[], T]) -> T:
        """Does the work; raises `Busy` when too many wait, or when it waited too long."""

    def close(self) -> None:
        """Finishes what is under way."""


class InLoop:
    """The event loop itself, for so many at once, and a room to wait for them: a flood must not keep the loop from what
    else is done there."""

    def __init__(self, at_once: int, most: int = _MOST) -> None:
        self._at_once = asyncio.Semaphore(at_once)
        self._room = Room(most)

    async def run(self, work: Callable[[], T]) -> T:
        with self._room.place():
            began = time.monotonic()
            async with self._at_once:
                # Of all that is to be done by now this comes last: those who came meanwhile are to be noted as
                # received, and other services' answers to be handed on.
                await asyncio.sleep(0)
                return await greenlets.run(partial(_in_time, work, began))

    def close(self) -> None:
        """Whoever waits is ended with the loop."""


class InThreads:
    """Threads of its own, and a room to wait for them."""

    def __init__(self, name: str, threads: int, most: int = _MOST) -> None:
        self._threads = ThreadPoolExecutor(threads, name)
        self._room = Room(most)

    async def run(self, work: Callable[[], T]) -> T:
        with self._room.place():
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, _in_time, work, time.monotonic())

    def close(self) -> None:
        self._threads.shutdown(cancel_futures=True)


class Lanes:
    """The lane of each path that is not REST's."""

    def __init__(self, threads: int) -> None:
        self._lanes: dict[str, Lane] = {name: InThreads(name, threads) for name in (OWN, SIGN_IN)}
        self._lanes[TOKENS] = InLoop(threads)

    def of(self, path: str) -> Lane:
        """The lane that a request for this path goes by."""
        return self._lanes[name_of(path)]

    def close(self) -> None:
        for lane in self._lanes.values():
            lane.close()


def name_of(path: str) -> str:
    """The name of that lane."""
    if _TOKEN_PATHS.fullmatch(path):
        return TOKENS
    return OWN if _OWN_PATHS.fullmatch(path) else SIGN_IN


def _in_time(work: Callable[[], T], since: float) -> T:
    if time.monotonic() - since > LONGEST_WAIT_SECONDS:
        raise _busy()
    return work()


def _busy() -> Busy:
    return Busy("Too many requests wait for this part of the platform.", retry_after_seconds=1)

"""One lane of threads for each service behind the gateway, so that a service that hangs holds up nobody but itself."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from services.gateway.addresses import Addresses
from services.gateway.faults import Busy
from services.gateway.routes import Route

LONGEST_WAIT_SECONDS = 10.0
"""Whoever waited longer has been given up by its client."""
_MOST = 256

OWN = "gateway"
"""Lane of what needs no service: pages, documents, health."""
SIGN_IN = "identity"
"""Lane of everything that is neither REST nor the gateway's own: the OAuth endpoints, which ask identity."""
_OWN_PATHS = re.compile(r"/(?:healthz|openapi\.json|reference|problems(?:/[^/]*)?|(?:static|look)/.*)")

T = TypeVar("T")


class Lane:
    """Threads of its own, and a bounded number of requests under way or waiting."""

    def __init__(self, name: str, threads: int, most: int = _MOST) -> None:
        self.name = name
        self._threads = ThreadPoolExecutor(threads, name)
        self._most = most
        self._present = 0

    async def run(self, work: Callable[[], T]) -> T:
        """Does the work in one of the threads; raises `Busy` when too many wait, or when it waited too long."""
        if self._present >= self._most:
            raise _busy()
        self._present += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, _in_time, work, time.monotonic())
        finally:
            self._present -= 1

    def close(self) -> None:
        """Finishes what is under way."""
        self._threads.shutdown(cancel_futures=True)


class Lanes:
    """The lane of each path, by the routes of the contract."""

    def __init__(self, routes: Iterable[Route], threads: int) -> None:
        self._addresses = Addresses(routes)
        names = {OWN, SIGN_IN, *self._addresses.services}
        self._lanes = {name: Lane(name, threads) for name in names}

    def of(self, path: str) -> Lane:
        """The lane that a request for this path goes by."""
        found = self._addresses.find(path)
        if found is not None:
            return self._lanes[found[0].service]
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

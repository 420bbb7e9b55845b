"""A network between two processes, which at times becomes a black hole."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from deploy.local.ports import LOOPBACK

_CHUNK = 65_536


class Link:
    """Listens on loopback while it is entered, and passes on every byte to one address, until it swallows them.

    A connection that lost a byte stays dead, and nobody is told, as behind a router that forgot it.
    """

    def __init__(self, target: str) -> None:
        """`target`: "host:port"."""
        host, _, port = target.rpartition(":")
        self._target = host, int(port)
        self._swallows = False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="link", daemon=True)
        self._passing: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        listening = asyncio.start_server(self._connected, LOOPBACK, 0)
        self._server = asyncio.run_coroutine_threadsafe(listening, self._loop).result()
        self.port: int = self._server.sockets[0].getsockname()[1]
        self.address = f"{LOOPBACK}:{self.port}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @contextmanager
    def swallowing(self) -> Iterator[None]:
        """Meanwhile nothing arrives, in either direction, also of who connects."""
        self._swallows = True
        try:
            yield
        finally:
            self._swallows = False

    async def _connected(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        here = asyncio.current_task()
        assert here
        self._passing.add(here)
        try:
            far, on = await asyncio.open_connection(*self._target)
            connection = _Connection(self)
            # It is given up in the end, with all that it still carries.
            with suppress(ConnectionError, asyncio.CancelledError):
                await asyncio.gather(connection.carry(near, on), connection.carry(far, back))
            on.close()
            back.close()
        finally:
            self._passing.discard(here)

    async def _close(self) -> None:
        self._server.close()
        for each in self._passing:
            each.cancel()
        await asyncio.gather(*self._passing, return_exceptions=True)

    @property
    def swallows(self) -> bool:
        return self._swallows


class _Connection:
    def __init__(self, link: Link) -> None:
        self._link = link
        self._is_lost = False

    async def carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        """One direction, to its end; what a lost connection ends with is lost as well."""
        while chunk := await source.read(_CHUNK):
            self._is_lost = self._is_lost or self._link.swallows
            if not self._is_lost:
                sink.write(chunk)
                await sink.drain()
        if not (self._is_lost or self._link.swallows):
            sink.close()


@contextmanager
def linked(url: str) -> Iterator[tuple[Link, str]]:
    """A link to a database, and the URL that leads through it."""
    parts = urlsplit(url)
    with Link(f"{parts.hostname}:{parts.port}") as link:
        account, _, _ = parts.netloc.rpartition("@")
        yield link, parts._replace(netloc=f"{account}@{link.address}").geturl()

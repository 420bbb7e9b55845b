"""The way in as Granian takes it, for the client of Werkzeug."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from werkzeug.test import Client
from werkzeug.wrappers import Request

from services.gateway.front import Front

PATIENCE_SECONDS = 60


@dataclass
class Asked:
    """A request as Granian describes it."""

    method: str
    path: str
    query_string: str
    headers: Any
    http_version: str = "1.1"
    client: str = "127.0.0.1:5000"
    authority: str | None = "localhost"


class Line:
    """The connection's end: hands out the chunks of a body, keeps the answer."""

    def __init__(self, *chunks: bytes, stalls: bool = False) -> None:
        self._chunks = chunks
        self._stalls = stalls
        self.taken = 0
        self.answer: tuple[int, dict[str, str], bytes] = (0, {}, b"")

    async def __call__(self) -> bytes:
        return b"".join([chunk async for chunk in self])

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            self.taken += len(chunk)
            yield chunk
        if self._stalls:
            await asyncio.Event().wait()

    def response_bytes(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        self.answer = (status, {name.lower(): value for name, value in headers}, content)


@contextmanager
def entrance(front: Front) -> Iterator[Client]:
    """A client of the front, which serves in an event loop of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="front")
    thread.start()

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        request = Request(environ)
        asked = Asked(request.method, request.path, request.query_string.decode("latin-1"), request.headers)
        line = Line(request.get_data())
        served = asyncio.run_coroutine_threadsafe(front.__rsgi__(asked, line), loop)
        served.result(PATIENCE_SECONDS)
        status, headers, content = line.answer
        start_response(f"{status} {HTTPStatus(status).phrase}", list(headers.items()))
        return [content]

    try:
        yield Client(application)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        front.__rsgi_del__(loop)
        loop.close()

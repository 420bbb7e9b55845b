"""The client, the same for every subject: so many threads, each with a connection of its own, so many calls in all."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from itertools import repeat
from pathlib import Path
from urllib.parse import urlsplit

import grpc
from google.protobuf.message import Message

from services.chassis import tls

Call = Callable[[], None]
"""One call; raises unless it succeeds."""
Connect = Callable[[], AbstractContextManager[Call]]
"""Opens one connection."""

THREADS = 8
_PATIENCE_SECONDS = 30


def run(connect: Connect, count: int) -> None:
    """Makes the calls, as many on each connection; raises what any of them ends with."""
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(_repeat, repeat(connect, THREADS), repeat(count // THREADS)))


def _repeat(connect: Connect, count: int) -> None:
    with connect() as call:
        for _ in range(count):
            call()


def grpc_calls(
    address: str, tls_directory: Path, path: str, request: Message, answer: type[Message]
) -> Connect:
    """Unary calls over mutual TLS."""

    @contextmanager
    def connect() -> Iterator[Call]:
        options = (("grpc.use_local_subchannel_pool", 1),)
        with grpc.secure_channel(address, tls.channel_credentials(tls_directory), options) as channel:
            stub = channel.unary_unary(
                path,
                request_serializer=type(request).SerializeToString,
                response_deserializer=answer.FromString,
            )

            def call() -> None:
                stub(request, timeout=_PATIENCE_SECONDS)

            yield call

    return connect


def https_calls(url: str, authority: Path, headers: dict[str, str]) -> Connect:
    """GET over a connection that is kept alive."""
    place = urlsplit(url)
    assert place.hostname
    host = place.hostname

    @contextmanager
    def connect() -> Iterator[Call]:
        context = ssl.create_default_context(cafile=str(authority))
        connection = http.client.HTTPSConnection(
            host, place.port, timeout=_PATIENCE_SECONDS, context=context
        )

        def call() -> None:
            connection.request("GET", place.path, headers=headers)
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != http.HTTPStatus.OK:
                raise RuntimeError(f"{place.path} answered {answer.status}: {body[:200]!r}")

        try:
            yield call
        finally:
            connection.close()

    return connect

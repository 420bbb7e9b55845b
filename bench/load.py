"""The client, the same for every subject: eight connections that stay open, each with one call at a time."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from http import HTTPStatus
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

CONNECTIONS = 8
PATIENCE_SECONDS = 30


@contextmanager
def crowd(connect: Connect) -> Iterator[Callable[[int], None]]:
    """Open connections, and a function that makes so many calls over them; it raises what any of them ends with."""
    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(CONNECTIONS))
        calls = [stack.enter_context(connect()) for _ in range(CONNECTIONS)]
        yield lambda count: list(pool.map(_repeat, calls, repeat(count // CONNECTIONS))).clear()


def _repeat(call: Call, count: int) -> None:
    for _ in range(count):
        call()


def grpc_calls(
    address: str, tls_directory: Path, path: str, request: Message, answer: type[Message]
) -> Connect:
    """Unary calls over mutual TLS."""

    @contextmanager
    def connect() -> Iterator[Call]:
        # Channels of one process share a connection unless told otherwise.
        options = (("grpc.use_local_subchannel_pool", 1),)
        with grpc.secure_channel(address, tls.channel_credentials(tls_directory), options) as channel:
            stub = channel.unary_unary(
                path,
                request_serializer=type(request).SerializeToString,
                response_deserializer=answer.FromString,
            )

            def call() -> None:
                stub(request, timeout=PATIENCE_SECONDS)

            yield call

    return connect


def https_calls(url: str, authority: Path, headers: Mapping[str, str]) -> Connect:
    """GET over connections that are kept alive."""
    place = urlsplit(url)
    assert place.hostname
    host = place.hostname

    @contextmanager
    def connect() -> Iterator[Call]:
        context = ssl.create_default_context(cafile=str(authority))
        connection = http.client.HTTPSConnection(host, place.port, timeout=PATIENCE_SECONDS, context=context)

        def call() -> None:
            connection.request("GET", place.path, headers=dict(headers))
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != HTTPStatus.OK:
                raise RuntimeError(f"{place.path} answered {answer.status}: {body[:200]!r}")

        try:
            yield call
        finally:
            connection.close()

    return connect

"""The client: eight connections that stay open, or fewer where so many are not served, each with one call at a time."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
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

Metadata = tuple[tuple[str, str | bytes], ...]

CONNECTIONS = 8
PATIENCE_SECONDS = 30


@contextmanager
def crowd(connect: Connect, connections: int = CONNECTIONS) -> Iterator[Callable[[int], None]]:
    """Open connections, and a function that makes so many calls over them; it raises what any of them ends with."""
    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(connections))
        calls = [stack.enter_context(connect()) for _ in range(connections)]
        yield lambda count: list(pool.map(_repeat, calls, repeat(count // connections))).clear()


def _repeat(call: Call, count: int) -> None:
    for _ in range(count):
        call()


def grpc_calls(
    address: str,
    tls_directory: Path,
    path: str,
    request: Message,
    answer: type[Message],
    metadata: Metadata = (),
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
                stub(request, timeout=PATIENCE_SECONDS, metadata=metadata)

            yield call

    return connect


def https_calls(url: str, authority: Path, headers: Mapping[str, str]) -> Connect:
    """GET over connections that are kept alive."""

    def talk(send: Send) -> Call:
        return lambda: require(send("GET", urlsplit(url).path, headers), HTTPStatus.OK)

    return https(url, authority, talk)


@dataclass(frozen=True)
class Reply:
    """What came back over https."""

    path: str
    status: int
    body: bytes


Send = Callable[..., Reply]
"""Sends verb, path, headers and, if there is one, a body."""


def require(reply: Reply, status: int) -> None:
    """Raises unless the reply has this status."""
    if reply.status != status:
        raise RuntimeError(f"{reply.path} answered {reply.status}: {reply.body[:200]!r}")


def https(origin: str, authority: Path, talk: Callable[[Send], Call]) -> Connect:
    """Requests over connections that are kept alive; `talk` makes the call of each connection."""
    place = urlsplit(origin)
    assert place.hostname
    host = place.hostname

    @contextmanager
    def connect() -> Iterator[Call]:
        context = ssl.create_default_context(cafile=str(authority))
        connection = http.client.HTTPSConnection(host, place.port, timeout=PATIENCE_SECONDS, context=context)

        def send(verb: str, path: str, headers: Mapping[str, str], body: bytes | None = None) -> Reply:
            connection.request(verb, path, body, dict(headers))
            answer = connection.getresponse()
            return Reply(path, answer.status, answer.read())

        try:
            yield talk(send)
        finally:
            connection.close()

    return connect

"""Where requests come in, whole, in bounded time: REST is answered in the event loop, the rest by Flask in threads.

Granian's own WSGI mode reads a body in the thread that is to answer it, without a time limit: as many stalled
clients as there are threads stop it for good. Here a slow client costs a coroutine and at most its own body's memory.
"""

from __future__ import annotations

import asyncio
import io
import signal
import sys
import time
from functools import partial
from typing import Any, Protocol

from services.chassis.errors import Fault, Internal, Invalid, NotFound, Unavailable
from services.chassis.request_ids import request_id
from services.chassis.sources import network
from services.gateway import problems, telemetry
from services.gateway.bodies import MOST_BYTES, Bodies
from services.gateway.default_headers import Application, Headers
from services.gateway.documents import HEALTH
from services.gateway.faults import LARGEST_BODY, TooSlow, too_large
from services.gateway.lanes import Lanes
from services.gateway.proxies import Network, Proxies
from services.gateway.rest import Request, Rest
from services.gateway.telemetry import Account

SLOWEST_BODY_SECONDS = 30.0
_BODILESS = ("GET", "HEAD", "OPTIONS")
_TAKEN_AT_ONCE = 4 * 1024
"""Bytes of a body that says its length, which the server holds it to: so few are not watched while they come, since its
connection costs as much."""


DRAINS = signal.SIGURG
"""Tells a process that it will end in a moment; to one that does not listen yet it means nothing."""
RECEIVED = "comptoir.received"
"""When the whole request was here, before it waited for a thread."""


class Scope(Protocol):
    """What Granian says of a request (RSGI)."""

    http_version: str
    client: str
    method: str
    path: str
    query_string: str
    authority: str | None
    headers: Any


class Front:
    """The RSGI application: REST, and a WSGI application for all other addresses."""

    def __init__(
        self,
        application: Application,
        rest: Rest,
        lanes: Lanes,
        issuer: str,
        *,
        trusted_proxies: tuple[Network, ...] = (),
        slowest_body_seconds: float = SLOWEST_BODY_SECONDS,
        most_held_bytes: int = MOST_BYTES,
    ) -> None:
        self._application = application
        self._rest = rest
        self._lanes = lanes
        self._issuer = issuer
        self._proxies = Proxies(trusted_proxies)
        self._slowest_body_seconds = slowest_body_seconds
        self._bodies = Bodies(most_held_bytes)
        self._draining = False

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.add_signal_handler(DRAINS, self._drain)

    def _drain(self) -> None:
        self._draining = True

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._lanes.close()
        loop.run_until_complete(self._rest.backend.close_loop())
        self._rest.backend.close()

    async def __rsgi__(self, scope: Scope, protocol: Any) -> None:
        """One request."""
        client = self._proxies.source(address(scope), scope.headers)
        body, source = bytearray(), network(client)
        try:
            if scope.path.startswith("//"):
                # Flask would serve it like the path without, but by another lane.
                raise NotFound("There is nothing at this address.", reason="ROUTE_NOT_FOUND")
            if self._draining and scope.path == HEALTH:
                raise Unavailable(
                    "This process will end in a moment.", reason="STOPPING", retry_after_seconds=1
                )
            await self._receive(scope, protocol, body, source)
            asked, found = environ(scope, client, bytes(body)), self._rest.addresses.find(scope.path)
            if found is None:
                work = partial(_answer, self._application, asked)
                response = await self._lanes.of(scope.path).run(work)
            else:
                _refuse_unreadable(scope.headers)
                response = (await self._rest.answer(*found, Request(asked))).sent(scope.method)
        except Fault as fault:
            response = self._refusal(scope, fault)
        except Exception as error:
            telemetry.unexpected(Account(request_id(scope.headers.get("x-request-id"))), error)
            response = self._refusal(scope, Internal("unforeseen"))
        finally:
            self._bodies.let_go(source, len(body))
        status, headers, content = response
        if self._draining and scope.http_version.startswith("1"):
            # Whoever keeps the connection lets go of it, and meets no end half-way (RFC 9112 9.6).
            headers = [*headers, ("Connection", "close")]
        protocol.response_bytes(status, headers, content)

    async def _receive(self, scope: Scope, protocol: Any, body: bytearray, source: str) -> None:
        stated = scope.headers.get("content-length")
        if stated is None and scope.method in _BODILESS and "transfer-encoding" not in scope.headers:
            return
        size = int(stated) if stated is not None and stated.isdecimal() else None
        if size is not None and size > LARGEST_BODY:
            raise too_large()
        try:
            async with asyncio.timeout(self._slowest_body_seconds):
                if size is not None and size <= _TAKEN_AT_ONCE:
                    body += await protocol()
                    self._bodies.hold(source, len(body))
                    return
                async for chunk in protocol:
                    body += chunk
                    self._bodies.hold(source, len(chunk))
                    if len(body) > LARGEST_BODY:
                        raise too_large()
        except TimeoutError:
            seconds = f"{self._slowest_body_seconds:.0f}"
            raise TooSlow(f"The body must arrive within {seconds} seconds.") from None

    def _refusal(self, scope: Scope, fault: Fault) -> tuple[int, Headers, bytes]:
        """What the application never saw."""
        account = Account(request_id(scope.headers.get("x-request-id")))
        answer = problems.answer(fault, account, self._issuer, scope.path)
        telemetry.finished(account, answer.status, 0.0)
        answer.headers["X-Request-Id"] = account.request_id
        return answer.sent(scope.method)


def _refuse_unreadable(headers: Any) -> None:
    """Refuses a header of which the server hands on the name alone, since its value is not ASCII: a key or a condition
    would have no effect, and nobody would know."""
    unreadable = set(headers.keys()) - {name for name, _ in headers.items()}
    if unreadable:
        raise Invalid.field(min(unreadable), "ascii", "must be ASCII")


def address(scope: Scope) -> str:
    """Where the connection comes from."""
    return scope.client.rpartition(":")[0].strip("[]")


def environ(scope: Scope, client: str, body: bytes) -> dict[str, Any]:
    """The request of this client's for WSGI (PEP 3333)."""
    found = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path.encode("utf-8", "surrogateescape").decode("latin-1"),
        "QUERY_STRING": scope.query_string.encode("utf-8", "surrogateescape").decode("latin-1"),
        "SERVER_NAME": "gateway",
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": client,
        RECEIVED: time.time(),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in scope.headers.items():
        # An underscore is how a header passes for another one, once both are in capitals.
        if "_" not in name:
            key = "HTTP_" + name.upper().replace("-", "_")
            before = found.get(key)
            found[key] = value if before is None else f"{before}{'; ' if name == 'cookie' else ', '}{value}"
    if scope.authority:
        found["HTTP_HOST"] = scope.authority
    found["CONTENT_TYPE"] = found.pop("HTTP_CONTENT_TYPE", "")
    # How the body was framed is over: it is here, whole.
    found.pop("HTTP_CONTENT_LENGTH", None)
    found.pop("HTTP_TRANSFER_ENCODING", None)
    found["CONTENT_LENGTH"] = str(len(body))
    return found


def _answer(application: Application, environ: dict[str, Any]) -> tuple[int, Headers, bytes]:
    begun: list[Any] = []

    def start_response(status: str, headers: Headers, _: Any = None) -> None:
        begun[:] = [int(status[:3]), headers]

    chunks = application(environ, start_response)
    try:
        content = b"".join(chunks)
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            close()
    status, headers = begun
    return status, headers, content

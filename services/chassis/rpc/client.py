"""Calls to a service: mutual TLS, a deadline on each, and the other side's faults as they were raised."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message

from services.chassis import tls, tracing
from services.chassis.contract import Method
from services.chassis.errors import TimedOut, from_rpc_error
from services.chassis.idempotency.keys import METADATA
from services.chassis.rpc import keepalive

DEADLINE_SECONDS = 10.0
AT_ONCE = 32
"""Calls of one event loop to one service. A server lets each connection have twice as many, and refuses what comes
while it still clears away those that have just ended; a write is not sent again then."""
R = TypeVar("R", bound=Message)

# A server that stops lets go of what it has not begun with CANCELLED.
_RETRIES = """{"methodConfig": [{"name": [{}], "retryPolicy": {"maxAttempts": 3, "initialBackoff": "0.05s",
"maxBackoff": "0.5s", "backoffMultiplier": 2, "retryableStatusCodes": ["UNAVAILABLE", "CANCELLED"]}}]}"""
_OPTIONS: list[tuple[str, Any]] = [
    ("grpc.max_receive_message_length", 4 * 1024 * 1024),
    *keepalive.CLIENT,
    # A connection is watched in use or not; an attempt is given up after three seconds.
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.min_reconnect_backoff_ms", 3_000),
]


class _Stubs:
    """One connection to one service, and what calls each of its methods."""

    def __init__(self, open_channel: Callable[..., Any], address: str, tls_directory: Path) -> None:
        credentials = tls.channel_credentials(tls_directory)
        self.writes = open_channel(address, credentials, _OPTIONS)
        # Sent again when the service went away: reads, and writes under a key that lets them have one effect only.
        self.retried = open_channel(
            address,
            credentials,
            [*_OPTIONS, ("grpc.service_config", _RETRIES), ("grpc.use_local_subchannel_pool", 1)],
        )
        self._plain: dict[str, Any] = {}
        self._keyed: dict[str, Any] = {}

    def of(self, method: Method, metadata: Mapping[str, str]) -> Any:
        """What calls the method with this metadata."""
        stubs = self._keyed if METADATA in metadata else self._plain
        return stubs.get(method.path) or self._stub(method, stubs)

    def _stub(self, method: Method, stubs: dict[str, Any]) -> Any:
        channel = self.retried if method.reads_only or stubs is self._keyed else self.writes
        stub = channel.unary_unary(
            method.path,
            request_serializer=method.request.SerializeToString,
            response_deserializer=method.response.FromString,
        )
        stubs[method.path] = stub
        return stub


class Client:
    """One channel to one service. Create it after the process has forked or spawned, never before."""

    def __init__(self, address: str, tls_directory: Path) -> None:
        self._stubs = _Stubs(grpc.secure_channel, address, tls_directory)

    def call(
        self,
        method: Method,
        request: Message,
        *,
        metadata: Mapping[str, str] | None = None,
        seconds: float = DEADLINE_SECONDS,
        told: dict[str, str] | None = None,
    ) -> Message:
        """One call. Raises the fault it ends with; `told` takes up the metadata that came behind the answer."""
        metadata = metadata or {}
        stub, headers = self._stubs.of(method, metadata), _headers(metadata)
        try:
            if told is None:
                answer: Message = stub(request, timeout=seconds, metadata=headers)
            else:
                answer, done = stub.with_call(request, timeout=seconds, metadata=headers)
                told.update(done.trailing_metadata())
            return answer
        except grpc.RpcError as error:
            raise from_rpc_error(error) from None

    def close(self) -> None:
        self._stubs.writes.close()
        self._stubs.retried.close()


class AsyncClient:
    """The same for an event loop, in which it is created: no thread waits for the answer."""

    def __init__(self, address: str, tls_directory: Path) -> None:
        self._stubs = _Stubs(grpc.aio.secure_channel, address, tls_directory)
        self._at_once = asyncio.Semaphore(AT_ONCE)

    async def call(
        self,
        method: Method,
        request: Message,
        *,
        metadata: Mapping[str, str],
        seconds: float = DEADLINE_SECONDS,
        told: dict[str, str] | None = None,
    ) -> Message:
        """As `Client.call`; to wait for the calls before it takes of the same seconds."""
        left = await self._place(seconds)
        try:
            call = self._stubs.of(method, metadata)(request, timeout=left, metadata=_headers(metadata))
            answer: Message = await call
            if told is not None:
                told.update(await call.trailing_metadata())
            return answer
        except grpc.RpcError as error:
            raise from_rpc_error(error) from None
        finally:
            self._at_once.release()

    async def _place(self, seconds: float) -> float:
        """Takes one of the places; what is left of the seconds by then."""
        # Every call comes by here, and a timer costs: there is none where nobody waits.
        if not self._at_once.locked():
            await self._at_once.acquire()
            return seconds
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        try:
            async with asyncio.timeout_at(end):
                await self._at_once.acquire()
        except TimeoutError:
            raise TimedOut("The service did not answer in time.") from None
        return end - loop.time()

    async def close(self) -> None:
        await self._stubs.writes.close()
        await self._stubs.retried.close()


def _headers(metadata: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return (*metadata.items(), *tracing.outgoing().items())

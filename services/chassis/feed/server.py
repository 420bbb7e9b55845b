"""The feed of a service as a process: gRPC over mutual TLS, in one event loop, under a role that only reads."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any, NoReturn

import grpc
import psycopg
from google.protobuf.message import DecodeError
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_status import rpc_status

from comptoir.changes.v1 import feed_pb2
from services.chassis import log, metrics, tls
from services.chassis.caller import Caller, Kind
from services.chassis.config import FeedSettings
from services.chassis.errors import Exhausted, Fault, Internal, Invalid, Unavailable, to_status
from services.chassis.feed.hub import Hub
from services.chassis.feed.method import METHOD, SERVICE
from services.chassis.feed.published import Published
from services.chassis.feed.streams import Stream, interest
from services.chassis.request_ids import request_id
from services.chassis.rpc import keepalive
from services.chassis.rpc.peers import Peers, service_of
from services.chassis.validate import validate

_STREAMS_IN_ALL = 1024
_HEALTH_CALLS = 32
_OPTIONS: list[tuple[str, int]] = [
    ("grpc.max_receive_message_length", 64 * 1024),
    ("grpc.max_metadata_size", 16 * 1024),
    ("grpc.so_reuseport", 0),
    *keepalive.SERVER,
    ("grpc.max_concurrent_streams", _STREAMS_IN_ALL),
    # A watcher that is gone without a word frees its place.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
]


class Feed:
    """Serves `WatchChanges`."""

    def __init__(self, hub: Hub, published: tuple[Published, ...], peers: Peers, most: int) -> None:
        self._hub = hub
        self._published = published
        self._peers = peers
        self._most = most
        self._open: Counter[str] = Counter()

    async def watch(self, message: bytes, context: Any) -> AsyncIterator[bytes]:
        """One stream, for as long as the caller listens."""
        metadata = {key: value for key, value in context.invocation_metadata() if isinstance(value, str)}
        request = request_id(metadata.get("x-request-id"))
        caller = ""
        try:
            name = service_of(context)
            self._peers.check(name, METHOD.path)
            self._enter(name)
            caller = name
            log.event("watch", caller=caller, request_id=request)
            asked = _request(message, name)
            stream = Stream(
                self._hub, interest(caller, asked, self._published), snapshot=not asked.changes_only
            )
            async for answer in stream.answers(asked.cursor):
                if answer:
                    yield answer
        except Fault as fault:
            await _abort(context, fault, request)
        except (psycopg.Error, OSError) as error:
            log.event(
                "watch lost its database", caller=caller, request_id=request, error=type(error).__name__
            )
            away = Unavailable("The feed has no database at present.", reason="DATABASE_UNAVAILABLE")
            await _abort(context, away, request)
        except (grpc.RpcError, asyncio.CancelledError):
            raise
        except Exception as error:
            log.event(
                "watch broke",
                caller=caller,
                request_id=request,
                error=type(error).__name__,
                where=log.frames(error),
            )
            await _abort(context, Internal(f"Something went wrong here. Request {request}."), request)
        finally:
            if caller:
                self._open[caller] -= 1

    def _enter(self, caller: str) -> None:
        if self._open[caller] >= self._most or self._open.total() >= _STREAMS_IN_ALL:
            raise Exhausted(
                f"This feed holds {self._open[caller]} streams of the service '{caller}' already.",
                reason="TOO_MANY_STREAMS",
                metadata={"limit": str(self._most)},
                retry_after_seconds=5,
            )
        self._open[caller] += 1


def _request(message: bytes, caller: str) -> feed_pb2.WatchChangesRequest:
    try:
        request = feed_pb2.WatchChangesRequest.FromString(message)
    except DecodeError:
        raise Invalid("The message is no WatchChangesRequest.", reason="MALFORMED_MESSAGE") from None
    validate(METHOD, request, Caller(Kind.INTERNAL, caller, caller))
    return request


async def _abort(context: Any, fault: Fault, request: str) -> NoReturn:
    status: Any = rpc_status.to_status(to_status(fault, request))
    await context.abort(status.code, status.details, status.trailing_metadata)
    raise AssertionError("abort does not return")


class FeedServer:
    """The feed of one service on its ports. Everything runs in the event loop that starts it."""

    def __init__(self, published: tuple[Published, ...], settings: FeedSettings) -> None:
        self._hub = Hub(settings.database_url, published)
        feed = Feed(self._hub, published, Peers.load(settings.callers_file), settings.feed_streams_per_caller)
        self._server = grpc.aio.server(options=_OPTIONS)
        handler: Any = grpc.unary_stream_rpc_method_handler(feed.watch)
        self._server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(SERVICE.full_name, {METHOD.name: handler}),)
        )
        self.port = self._server.add_secure_port(
            settings.feed_listen, tls.server_credentials(settings.tls_directory)
        )
        self._health = health.aio.HealthServicer()
        self._health_server = grpc.aio.server(
            options=[("grpc.so_reuseport", 0)], maximum_concurrent_rpcs=_HEALTH_CALLS
        )
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._health_server)
        self._health_server.add_insecure_port(settings.feed_health_listen)

    async def start(self) -> None:
        """Begins to follow the database, and to serve."""
        self._following = asyncio.create_task(self._hub.run())
        await self._server.start()
        await self._health_server.start()
        await self._health.set("", health_pb2.HealthCheckResponse.SERVING)

    async def stop(self) -> None:
        """Ends every stream: watchers go on elsewhere from their cursors."""
        await self._health.set("", health_pb2.HealthCheckResponse.NOT_SERVING)
        await self._server.stop(0)
        self._following.cancel()
        await asyncio.gather(self._following, return_exceptions=True)
        await self._health_server.stop(0)


async def serve(published: tuple[Published, ...], settings: FeedSettings) -> None:
    """Serves until SIGTERM or SIGINT."""
    server = FeedServer(published, settings)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    metrics.serve(settings.feed_metrics_listen)
    await server.start()
    log.event("feeding", listen=settings.feed_listen)
    await stop.wait()
    await server.stop()
    log.event("stopped")

"""A gRPC server made from the contract: it refuses to start if a method lacks a declaration or a handler."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, cast

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_status import rpc_status

from services.chassis import tls
from services.chassis.changes.log import ChangeLog
from services.chassis.clock import Clock
from services.chassis.contract import ContractError, Method, methods
from services.chassis.db.database import Database
from services.chassis.errors import Fault, to_status
from services.chassis.request_ids import request_id
from services.chassis.rpc import keepalive
from services.chassis.rpc.call import Call, Proceed, Stage, StagesOf
from services.chassis.rpc.workers import Workers

LARGEST_MESSAGE = 4 * 1024 * 1024
LARGEST_METADATA = 16 * 1024
WAITING_CALLS = 256
GRACE_SECONDS = 15.0
_OPTIONS: list[tuple[str, int]] = [
    ("grpc.max_receive_message_length", LARGEST_MESSAGE),
    ("grpc.max_metadata_size", LARGEST_METADATA),
    ("grpc.so_reuseport", 0),
    *keepalive.SERVER,
    ("grpc.http2.max_ping_strikes", 3),
    ("grpc.max_connection_idle_ms", 600_000),
    # Calls that never send their message hold a place until their connection ends.
    ("grpc.max_concurrent_streams", 64),
    ("grpc.max_connection_age_ms", 600_000),
    ("grpc.max_connection_age_grace_ms", 30_000),
]
_HEALTH_CALLS = 32

Handlers = Mapping[ServiceDescriptor, object]
"""For each service of the contract, the object whose functions serve it: `UpdateShop` by `update_shop`."""


class Server:
    """Serves over mutual TLS; health in clear on a port of its own."""

    def __init__(
        self,
        handlers: Handlers,
        stages: StagesOf,
        *,
        tls_directory: Path,
        listen: str,
        health_listen: str,
        clock: Clock,
        database: Database | None = None,
        log: ChangeLog | None = None,
        threads: int = 4,
    ) -> None:
        self._health = health.HealthServicer()
        self._health_server = grpc.server(
            ThreadPoolExecutor(2, "health"),
            options=[("grpc.so_reuseport", 0)],
            maximum_concurrent_rpcs=_HEALTH_CALLS,
        )
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._health_server)
        self.health_port = self._health_server.add_insecure_port(health_listen)
        self._workers = Workers(threads, most=WAITING_CALLS)
        self._server = grpc.server(
            # Nothing more is asked of it than `submit`.
            cast("ThreadPoolExecutor", self._workers),
            options=_OPTIONS,
            maximum_concurrent_rpcs=WAITING_CALLS,
        )
        self._server.add_generic_rpc_handlers(
            generic_handlers(handlers, partial(_all_stages, self._workers, stages), clock, database, log)
        )
        names = [service.full_name for service in handlers]
        self.port = self._server.add_secure_port(listen, tls.server_credentials(tls_directory))
        self._names = ["", *names]

    def start(self) -> None:
        """Begins to serve."""
        self._server.start()
        self._health_server.start()
        self._report(health_pb2.HealthCheckResponse.SERVING)

    def drain(self) -> None:
        """Says it is going, takes no new call, finishes those under way, and stops."""
        self._report(health_pb2.HealthCheckResponse.NOT_SERVING)
        self._server.stop(GRACE_SECONDS).wait()
        self._health_server.stop(0).wait()
        self._workers.shutdown()

    def _report(self, state: Any) -> None:
        for name in self._names:
            self._health.set(name, state)


def generic_handlers(
    handlers: Handlers,
    stages: StagesOf,
    clock: Clock,
    database: Database | None,
    log: ChangeLog | None,
) -> list[grpc.GenericRpcHandler]:
    """What grpcio needs to route each method to its handler, through the stages."""
    return [
        grpc.method_handlers_generic_handler(
            service.full_name,
            {
                method.name: _rpc_handler(
                    method, _compose(stages(method), _last(method, api)), clock, database, log
                )
                for method in methods([service])
            },
        )
        for service, api in handlers.items()
    ]


def _all_stages(workers: Workers, stages: StagesOf, method: Method) -> Sequence[Stage]:
    return (partial(_in, workers), *stages(method))


def _in(workers: Workers, call: Call, proceed: Proceed) -> Message:
    workers.enter()
    try:
        return proceed(call)
    finally:
        workers.leave()


def _last(method: Method, api: object) -> Proceed:
    serve: Callable[[Message, Call], Message] | None = getattr(api, method.handler, None)
    if serve is None:
        raise ContractError(f"{method.path}: {type(api).__name__} has no {method.handler}")
    return lambda call: serve(call.request, call)


def _compose(stages: Sequence[Stage], last: Proceed) -> Proceed:
    proceed = last
    for stage in reversed(stages):
        proceed = _around(stage, proceed)
    return proceed


def _around(stage: Stage, proceed: Proceed) -> Proceed:
    return lambda call: stage(call, proceed)


def _rpc_handler(
    method: Method, serve: Proceed, clock: Clock, database: Database | None, log: ChangeLog | None
) -> Any:
    def behave(message: bytes, context: grpc.ServicerContext) -> Message:
        metadata = {key: value for key, value in context.invocation_metadata() if isinstance(value, str)}
        call = Call(
            method,
            message,
            context,
            metadata,
            clock(),
            request_id(metadata.get("x-request-id")),
            database=database,
            log=log,
        )
        try:
            answer = serve(call)
            if call.told:
                context.set_trailing_metadata(tuple(call.told.items()))
            return answer
        except Fault as fault:
            context.abort_with_status(rpc_status.to_status(to_status(fault, call.request_id)))
            raise

    # The message stays bytes until its sender is known: see the stage `decode`.
    return grpc.unary_unary_rpc_method_handler(behave, response_serializer=method.response.SerializeToString)

"""Calls to a service: mutual TLS, a deadline on each, and the other side's faults as they were raised."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message

from services.chassis import tls, tracing
from services.chassis.contract import Method
from services.chassis.errors import from_rpc_error
from services.chassis.idempotency.keys import METADATA

DEADLINE_SECONDS = 10.0
R = TypeVar("R", bound=Message)

_RETRIES = """{"methodConfig": [{"name": [{}], "retryPolicy": {"maxAttempts": 3, "initialBackoff": "0.05s",
"maxBackoff": "0.5s", "backoffMultiplier": 2, "retryableStatusCodes": ["UNAVAILABLE"]}}]}"""
_OPTIONS: list[tuple[str, Any]] = [
    ("grpc.max_receive_message_length", 4 * 1024 * 1024),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
]


class Client:
    """One channel to one service. Create it after the process has forked or spawned, never before."""

    def __init__(self, address: str, tls_directory: Path) -> None:
        credentials = tls.channel_credentials(tls_directory)
        self._writes = grpc.secure_channel(address, credentials, _OPTIONS)
        # Sent again when the service went away: reads, and writes under a key that lets them have one effect only.
        self._retried = grpc.secure_channel(
            address,
            credentials,
            [*_OPTIONS, ("grpc.service_config", _RETRIES), ("grpc.use_local_subchannel_pool", 1)],
        )
        self._stubs: dict[str, Any] = {}
        self._keyed: dict[str, Any] = {}

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
        stubs = self._keyed if metadata is not None and METADATA in metadata else self._stubs
        stub = stubs.get(method.path) or self._stub(method, stubs)
        headers = [*(metadata or {}).items(), *tracing.outgoing().items()]
        try:
            if told is None:
                answer: Message = stub(request, timeout=seconds, metadata=headers)
            else:
                answer, done = stub.with_call(request, timeout=seconds, metadata=headers)
                told.update(done.trailing_metadata())
            return answer
        except grpc.RpcError as error:
            raise from_rpc_error(error) from None

    def _stub(self, method: Method, stubs: dict[str, Any]) -> Any:
        channel = self._retried if method.reads_only or stubs is self._keyed else self._writes
        stub = channel.unary_unary(
            method.path,
            request_serializer=method.request.SerializeToString,
            response_deserializer=method.response.FromString,
        )
        stubs[method.path] = stub
        return stub

    def close(self) -> None:
        self._writes.close()
        self._retried.close()

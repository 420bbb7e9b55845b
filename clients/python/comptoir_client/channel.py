"""The way to a service: mutual TLS, a deadline on every call, and its errors by meaning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import grpc

from comptoir_client.errors import from_rpc_error
from comptoir_client.wire import Method

# The client's methods have no effects, so each may be sent again. A server that stops lets go of what it has not
# begun with CANCELLED.
_RETRIES = """{"methodConfig": [{"name": [{}], "retryPolicy": {"maxAttempts": 3, "initialBackoff": "0.05s",
"maxBackoff": "0.5s", "backoffMultiplier": 2, "retryableStatusCodes": ["UNAVAILABLE", "CANCELLED"]}}]}"""
_OPTIONS: list[tuple[str, Any]] = [
    ("grpc.max_receive_message_length", 4 * 1024 * 1024),
    # A host that vanished is noticed within 15 seconds, also by who asks it nothing; an attempt is given up after 3.
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.ping_timeout_ms", 5_000),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.min_reconnect_backoff_ms", 3_000),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    # Channels of several clients in a process end independently.
    ("grpc.use_local_subchannel_pool", 1),
]


@dataclass(frozen=True)
class Credentials:
    """Who this service is: a directory with `tls.crt`, `tls.key` and the platform's `ca.crt`.

    They are read whenever a channel is made.
    """

    directory: Path

    def channel(self) -> grpc.ChannelCredentials:
        """Raises OSError if a file cannot be read."""
        return grpc.ssl_channel_credentials(
            (self.directory / "ca.crt").read_bytes(),
            (self.directory / "tls.key").read_bytes(),
            (self.directory / "tls.crt").read_bytes(),
        )

    @property
    def platform(self) -> str:
        """Tells one platform from another: the fingerprint of the authority that both sides trust."""
        return sha256((self.directory / "ca.crt").read_bytes()).hexdigest()


class Channel:
    """One channel to one service. Create it after the process has forked, never before."""

    def __init__(self, address: str, credentials: Credentials, *, retries: bool = True) -> None:
        options = [*_OPTIONS, ("grpc.service_config", _RETRIES)] if retries else _OPTIONS
        self._channel = grpc.secure_channel(address, credentials.channel(), options)
        self._stubs: dict[str, Any] = {}
        self._stream: Any = None

    def call(
        self, method: Method, request: Any, seconds: float, metadata: Mapping[str, str] | None = None
    ) -> Any:
        """The answer. Raises the `ComptoirError` that the call ends with."""
        stub = self._stubs.get(method.path)
        if stub is None:
            stub = self._stubs[method.path] = self._channel.unary_unary(
                method.path, method.request.SerializeToString, method.response.FromString
            )
        try:
            return stub(request, timeout=seconds, metadata=tuple((metadata or {}).items()))
        except grpc.RpcError as error:
            raise from_rpc_error(error) from None

    def stream(self, method: Method, request: Any, seconds: float) -> Iterator[Any]:
        """Every answer as it comes; ends quietly when closed, else raises the error that it ends with."""
        self._stream = self._channel.unary_stream(
            method.path, method.request.SerializeToString, method.response.FromString
        )(request, timeout=seconds)
        try:
            yield from self._stream
        except grpc.RpcError as error:
            if isinstance(error, grpc.Call) and error.code() is grpc.StatusCode.CANCELLED:
                return
            raise from_rpc_error(error) from None
        finally:
            self._stream.cancel()

    def close(self) -> None:
        """Ends what goes on, from any thread."""
        if self._stream is not None:
            self._stream.cancel()
        self._channel.close()

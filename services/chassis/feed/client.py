"""The other end of a feed: one stream at a time, as an iterator of what is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc

from comptoir.changes.v1 import feed_pb2
from services.chassis import tls
from services.chassis.errors import from_rpc_error
from services.chassis.feed.method import METHOD
from services.chassis.rpc import keepalive

_OPTIONS: list[tuple[str, Any]] = [
    ("grpc.max_receive_message_length", 4 * 1024 * 1024),
    *keepalive.CLIENT,
]


class FeedClient:
    """A channel to one feed. Create it after the process has forked or spawned, never before."""

    def __init__(self, address: str, tls_directory: Path) -> None:
        self._channel = grpc.secure_channel(address, tls.channel_credentials(tls_directory), _OPTIONS)
        self._stub: Any = self._channel.unary_stream(
            METHOD.path,
            request_serializer=feed_pb2.WatchChangesRequest.SerializeToString,
            response_deserializer=feed_pb2.WatchChangesResponse.FromString,
        )
        self._stream: Any = None

    def watch(
        self, request: feed_pb2.WatchChangesRequest, seconds: float | None = None
    ) -> Iterator[feed_pb2.WatchChangesResponse]:
        """Whatever is told from the request's cursor on, for so long, or for ever.

        Raises the fault it ends with, TimedOut when the time is up; ends quietly when closed.
        """
        self._stream = self._stub(request, timeout=seconds)
        try:
            yield from self._stream
        except grpc.RpcError as error:
            if isinstance(error, grpc.Call) and error.code() is grpc.StatusCode.CANCELLED:
                return
            raise from_rpc_error(error) from None
        finally:
            self._stream.cancel()

    def close(self) -> None:
        """Ends the stream and the channel, from any thread."""
        if self._stream is not None:
            self._stream.cancel()
        self._channel.close()

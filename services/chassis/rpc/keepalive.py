"""How both ends of a connection find out that nothing passes any more: what one sends, the other must put up with."""

from __future__ import annotations

CLIENT: list[tuple[str, int]] = [
    # A host that vanished is noticed within fifteen seconds. No ping of keepalive is sent while another kind of ping
    # waits, by default for a minute.
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.ping_timeout_ms", 5_000),
    # As often while nothing else is sent: by default, once a minute after the second.
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
]
SERVER: list[tuple[str, int]] = [
    # By default five minutes, after which the connection is ended, under the next call.
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
]

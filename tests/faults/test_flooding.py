"""Messages and metadata beyond measure, pings, silence: refused, while memory stays flat and others are served."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import grpc
import pytest

from comptoir.shop.v1 import shop_pb2
from deploy.local import topology
from deploy.local.platforms import Platform
from services.chassis import tls
from services.chassis.rpc import keepalive
from services.chassis.rpc.client import Client
from services.chassis.testing.running import METHODS
from services.chassis.testing.waiting import until
from tests.faults.flood import connected, pings_until_closed, silent
from tests.faults.freezing import resident_megabytes

GET, SERVICE = "/comptoir.shop.v1.ShopService/GetShop", "payment-engine"
MEGABYTES = 48.0
"""What a process may hold more after a flood than before: far less than a hundredth of what was sent."""
_MESSAGE = b"\x0a" + b"\xff\xff\xbf\x02" + b"x" * (5 * 1024 * 1024)
_METADATA = (("x-padding", "x" * 64 * 1024),)
_READY = grpc.ChannelConnectivity.READY
_PINGS = 6
"""More than a server forgives (`grpc.http2.max_ping_strikes`)."""


def certificates(platform: Platform) -> Path:
    return platform.layout.certificates / SERVICE


def floods(platform: Platform, times: int, message: bytes, metadata: Any = ()) -> Counter[str]:
    """The codes with which so many calls are refused."""
    codes: Counter[str] = Counter()
    credentials = tls.channel_credentials(certificates(platform))
    with grpc.secure_channel(platform.addresses["shop"], credentials) as channel:
        call: Any = channel.unary_unary(GET)
        for _ in range(times):
            try:
                call(message, timeout=20, metadata=metadata)
                codes["OK"] += 1
            except grpc.RpcError as error:
                codes[error.code().name] += 1
    return codes


def is_served(platform: Platform) -> bool:
    """Whether somebody else gets an answer."""
    client = Client(platform.addresses["shop"], platform.layout.certificates / "payment-pages")
    try:
        request = shop_pb2.GetShopRequest(name="companies/-/shops/12345678")
        return bool(client.call(METHODS["ShopService/GetShop"], request, seconds=20).SerializeToString())
    finally:
        client.close()


@pytest.mark.parametrize(
    ("message", "metadata"), [(_MESSAGE, ()), (b"", _METADATA)], ids=["5 MB of message", "64 KB of metadata"]
)
def test_what_is_too_large_is_refused_and_not_kept(faulty: Platform, message: bytes, metadata: Any) -> None:
    process = faulty.process("shop").pid
    floods(faulty, 10, message, metadata)
    before = resident_megabytes(process)

    codes = floods(faulty, 150, message, metadata)

    assert codes == {"RESOURCE_EXHAUSTED": 150}
    assert resident_megabytes(process) - before < MEGABYTES
    assert faulty.process("shop").pid == process
    assert is_served(faulty)


def test_who_floods_with_pings_is_cut_off(faulty: Platform) -> None:
    process, most = faulty.process("shop").pid, 100_000
    before = resident_megabytes(process)
    passed = []
    for _ in range(20):
        with connected(faulty.addresses["shop"], certificates(faulty)) as connection:
            passed.append(pings_until_closed(connection, most))

    assert max(passed) < most / 10
    assert resident_megabytes(process) - before < MEGABYTES
    assert is_served(faulty)


def test_who_pings_as_often_as_our_clients_is_not_cut_off(faulty: Platform) -> None:
    least = dict(keepalive.SERVER)["grpc.http2.min_ping_interval_without_data_ms"]
    options = {**dict(keepalive.CLIENT), "grpc.keepalive_time_ms": least + 200}
    options["grpc.keepalive_permit_without_calls"] = 1
    credentials = tls.channel_credentials(certificates(faulty))
    seen: dict[str, list[grpc.ChannelConnectivity]] = {"shop": [], "shop-feed": []}
    with ExitStack() as channels:
        for name, states in seen.items():
            address = topology.address(faulty.ports, name)
            channel = grpc.secure_channel(address, credentials, list(options.items()))
            channels.enter_context(channel)
            channel.subscribe(states.append, try_to_connect=True)
        until(lambda: all(_READY in states for states in seen.values()), "both are connected")
        threading.Event().wait(_PINGS * (least + 200) / 1000)

    connected_once = [states.count(_READY) == 1 and states[-1] is _READY for states in seen.values()]
    assert all(connected_once), seen


def test_who_says_nothing_keeps_nobody_out(faulty: Platform) -> None:
    process = faulty.process("shop").pid
    before = resident_megabytes(process)
    with ExitStack() as silence:
        for each in silent(faulty.addresses["shop"], 200):
            silence.enter_context(each)
        served = [is_served(faulty) for _ in range(20)]

    assert all(served)
    assert resident_megabytes(process) - before < MEGABYTES

"""What comes over the wire before anything is known of it: garbage, strangers, hangers-on."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from comptoir.shop.v1 import shop_pb2
from services.chassis import tls
from services.chassis.errors import Denied, Fault, Invalid, NotFound, from_rpc_error
from services.chassis.rpc.client import AsyncClient
from services.chassis.testing.running import METHODS, Running
from services.shop.service import SHOP

GET = "/comptoir.shop.v1.ShopService/GetShop"


@pytest.fixture(scope="module")
def shop(run_service: Callable[..., Running]) -> Running:
    return run_service(SHOP)


def channel(shop: Running, certificates: Path, service: str) -> Any:
    return grpc.secure_channel(
        f"127.0.0.1:{shop.server.port}", tls.channel_credentials(certificates / service)
    )


def fault_of(shop: Running, certificates: Path, service: str, message: bytes) -> Exception:
    with channel(shop, certificates, service) as open_channel:
        try:
            open_channel.unary_unary(GET)(message, timeout=10)
        except grpc.RpcError as error:
            return from_rpc_error(error)
    raise AssertionError("it was answered")


@pytest.mark.parametrize("garbage", [b"\x0a\x05abc", b"\xff" * 40, b"\x0a\x02\xff\xfe"])
def test_garbage_is_refused_with_a_reason_and_only_after_its_sender_is_known(
    shop: Running, certificates: Path, garbage: bytes
) -> None:
    listed, unlisted = (
        fault_of(shop, certificates, name, garbage) for name in ("payment-engine", "backoffice")
    )

    assert isinstance(listed, Invalid)
    assert listed.reason == "MALFORMED_MESSAGE"
    assert isinstance(unlisted, Denied)


def test_the_call_port_answers_to_nothing_but_the_contract(shop: Running, certificates: Path) -> None:
    with channel(shop, certificates, "payment-engine") as open_channel:
        method = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
        with pytest.raises(grpc.RpcError) as refused:
            list(open_channel.stream_stream(method)(iter([b""]), timeout=10))

    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_calls_that_never_send_their_message_do_not_keep_others_out(
    shop: Running, certificates: Path
) -> None:
    with (
        channel(shop, certificates, "payment-engine") as idle,
        channel(shop, certificates, "payment-pages") as busy,
    ):
        never = threading.Event()
        held = [idle.stream_unary(GET).future(_silence(never), timeout=20) for _ in range(100)]
        request = shop_pb2.GetShopRequest(name="companies/acme/shops/00000000").SerializeToString()
        with pytest.raises(grpc.RpcError) as answered:
            busy.unary_unary(GET)(request, timeout=10)
        never.set()
        for call in held:
            call.cancel()

    assert isinstance(from_rpc_error(answered.value), NotFound)


def _silence(until: threading.Event) -> Iterator[bytes]:
    until.wait()
    yield from ()


def test_writes_that_come_all_at_once_wait_for_each_other_and_none_is_refused(
    shop: Running, certificates: Path
) -> None:
    async def ended() -> Counter[str]:
        client = AsyncClient(f"127.0.0.1:{shop.server.port}", certificates / "gateway")
        metadata = {"authorization": f"Bearer {shop.mint.token(company='acme')}"}
        nobodys = shop_pb2.UpdateShopRequest(
            shop=shop_pb2.Shop(name="companies/acme/shops/99999999", display_name="Boutique")
        )

        async def write() -> str:
            try:
                await client.call(METHODS["ShopService/UpdateShop"], nobodys, metadata=metadata)
            except Fault as fault:
                return fault.reason
            return "OK"

        reasons = Counter(await asyncio.gather(*(write() for _ in range(600))))
        await client.close()
        return reasons

    assert asyncio.run(ended()) == {"NOT_FOUND": 600}

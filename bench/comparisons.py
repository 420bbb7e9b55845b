"""What is compared with what, on a running platform."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path
from typing import Any

from bench import cpu, load, peers, verifying
from bench.measure import Subject, measure
from bench.report import POSTGRES, Figure, Line
from comptoir.shop.v1 import shop_pb2
from deploy.local import topology
from deploy.local.browser import Application, Merchant
from deploy.local.platforms import Platform
from deploy.local.processes import Supervisor
from services.chassis.contract import Method
from services.chassis.rpc.client import Client

RPC_CALLS, REST_CALLS = 10_000, 1_500
"""Calls a round; REST's stay below what the gateway grants one client at once."""
SHOP = "12345678"
_GET_SHOP = Method(shop_pb2.DESCRIPTOR.services_by_name["ShopService"].methods_by_name["GetShop"])


def internal_calls(
    platform: Platform, supervisor: Supervisor, scale: float
) -> tuple[list[Line], list[Figure]]:
    """What the payment engine does for every payment; and the share of opening keys in what that costs."""
    engine = Path(platform.description["internal"]["payment-engine"])
    address = platform.addresses["shop"]
    metrics = topology.address(platform.ports, "shop-metrics")
    shop = _shop(address, engine)
    port, echo = peers.start(supervisor, "echo", platform.layout.certificates / "shop")
    processes = {"shop": platform.process("shop").pid, **_postgres(platform)}

    def read(title: str, name: str) -> Subject:
        request = shop_pb2.GetShopRequest(name=name)
        calls = load.grpc_calls(address, engine, _GET_SHOP.path, request, shop_pb2.Shop)
        return Subject(title, calls, processes)

    spent, opened = cpu.seconds(processes["shop"]), verifying.opening_seconds(metrics)
    peer, *measured, verified = measure(
        [
            Subject(
                "echo",
                load.grpc_calls(f"127.0.0.1:{port}", engine, peers.ECHO, shop, shop_pb2.Shop),
                {"echo": echo.pid},
            ),
            read("settings read by full name", shop.name),
            read("settings read by public id", f"companies/-/shops/{SHOP}"),
            Subject("form verified", verifying.verifications(address, engine, SHOP), processes),
        ],
        int(RPC_CALLS * scale),
    )
    spent = cpu.seconds(processes["shop"]) - spent
    opened = verifying.opening_seconds(metrics) - opened
    return [
        *(Line(each, peer, ("shop",), least=0.6) for each in measured),
        Line(verified, peer, ("shop",), least=0.45),
    ], [Figure("opening keys, CPU s", opened, "the service meanwhile", spent, opened / spent, 0.05)]


def rest_read(platform: Platform, supervisor: Supervisor, scale: float) -> list[Line]:
    """What a merchant's system does most."""
    description = platform.description
    authority = Path(description["ca"])
    alice = next(login for login in description["logins"] if login["login"] == "alice")
    tokens = Application(description["gateway"], description["ca"]).sign_in("alice", alice["password"])
    path = f"/v1/{description['companies']['halles']}/shops/{SHOP}"
    _wait_answered(Merchant(description["gateway"], description["ca"], tokens["access_token"]), path)
    port, hello = peers.start(supervisor, "hello", platform.layout.certificates / "web")
    processes = {name: platform.process(name).pid for name in ("gateway", "shop")}
    peer, rest = measure(
        [
            Subject(
                "hello",
                load.https_calls(f"https://localhost:{port}/", authority, {}),
                {"hello": hello.pid},
            ),
            Subject(
                "shop read over REST",
                load.https_calls(
                    description["gateway"] + path,
                    authority,
                    {"Authorization": f"Bearer {tokens['access_token']}"},
                ),
                {**processes, **_postgres(platform)},
            ),
        ],
        int(REST_CALLS * scale),
    )
    return [Line(rest, peer, ("gateway",), least=0.25), Line(rest, peer, ("gateway", "shop"))]


def _wait_answered(merchant: Merchant, path: str) -> None:
    """Processes that have just started may ask to come back, until they have fetched the keys of tokens."""
    for _ in range(100):
        answer = merchant.get(path)
        if answer.status_code != HTTPStatus.SERVICE_UNAVAILABLE:
            return
    raise RuntimeError(f"{path} stays unavailable: {answer.text[:200]}")


def _shop(address: str, engine: Path) -> shop_pb2.Shop:
    client = Client(address, engine)
    try:
        shop: Any = client.call(_GET_SHOP, shop_pb2.GetShopRequest(name=f"companies/-/shops/{SHOP}"))
    finally:
        client.close()
    assert isinstance(shop, shop_pb2.Shop)
    return shop


def _postgres(platform: Platform) -> dict[str, int]:
    """Nothing where the server is somebody else's."""
    try:
        return {POSTGRES: platform.process("postgres").pid}
    except KeyError:
        return {}

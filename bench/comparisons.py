"""Reads and uploads on a running platform, each beside what the bare libraries cost."""

from __future__ import annotations

import io
from http import HTTPStatus
from pathlib import Path
from typing import Any

import requests
from PIL import Image

from bench import cpu, load, metrics, peers, people, verifying
from bench.measure import Subject, measure
from bench.report import POSTGRES, Figure, Line, Row
from comptoir.company.v1 import company_pb2
from comptoir.shop.v1 import shop_pb2
from deploy.local import topology
from deploy.local.browser import Merchant
from deploy.local.platforms import Platform
from deploy.local.processes import Supervisor
from services.chassis.contract import Method
from services.chassis.rpc.client import Client
from services.chassis.rpc.metadata import MIN_REVISION

RPC_CALLS, REST_CALLS, UPLOADS = 10_000, 1_500, 100
"""Calls a round; REST's stay below what the gateway grants one client at once."""
_FEWEST = 400
"""What a call costs is counted in hundredths of a second of all of them."""
_UPLOADS_AT_ONCE = 2
"""As many as the media service decodes at once; others are told to come back."""
SHOP = "12345678"
_GET_COMPANY = Method(company_pb2.DESCRIPTOR.services_by_name["CompanyService"].methods_by_name["GetCompany"])
_GET_SHOP = Method(shop_pb2.DESCRIPTOR.services_by_name["ShopService"].methods_by_name["GetShop"])


def internal_calls(platform: Platform, supervisor: Supervisor, scale: float) -> list[Row]:
    """What the payment engine does for every payment; and the share of opening keys in what that costs."""
    engine = Path(platform.description["internal"]["payment-engine"])
    address = platform.addresses["shop"]
    metrics_of_shop = topology.address(platform.ports, "shop-metrics")
    shop = _shop(address, engine)
    port, echo = peers.start(supervisor, "echo", platform.layout.certificates / "shop")
    processes = {"shop": platform.process("shop").pid, **postgres(platform)}
    newest = ((MIN_REVISION, _revision(platform, shop.name)),)

    def read(title: str, name: str, metadata: load.Metadata = ()) -> Subject:
        request = shop_pb2.GetShopRequest(name=name)
        calls = load.grpc_calls(address, engine, _GET_SHOP.path, request, shop_pb2.Shop, metadata)
        return Subject(title, calls, processes)

    company = Subject(
        "company read, from the database",
        load.grpc_calls(
            platform.addresses["company"],
            engine,
            _GET_COMPANY.path,
            company_pb2.GetCompanyRequest(name=shop.name.rpartition("/shops/")[0]),
            company_pb2.Company,
        ),
        {"company": platform.process("company").pid, **postgres(platform)},
    )

    spent, opened = cpu.seconds(processes["shop"]), metrics.counted(metrics_of_shop, verifying.OPENING)
    peer, *measured, verified, newest_read, company_read = measure(
        [
            Subject(
                "echo",
                load.grpc_calls(f"127.0.0.1:{port}", engine, peers.ECHO, shop, shop_pb2.Shop),
                {"echo": echo.pid},
            ),
            read("settings read by full name", shop.name),
            read("settings read by public id", f"companies/-/shops/{SHOP}"),
            Subject("form verified", verifying.verifications(address, engine, SHOP), processes),
            read("settings read no older than a revision, from the database", shop.name, newest),
            company,
        ],
        int(RPC_CALLS * scale),
    )
    spent = cpu.seconds(processes["shop"]) - spent
    opened = metrics.counted(metrics_of_shop, verifying.OPENING) - opened
    return [
        *(Line(each, peer, ("shop",), least=0.6) for each in measured),
        Line(verified, peer, ("shop",), least=0.45),
        Line(newest_read, peer, ("shop",)),
        Line(company_read, peer, ("company",)),
        Figure("opening keys, CPU s", opened, "the service meanwhile", spent, opened / spent, 0.01),
    ]


def rest(platform: Platform, supervisor: Supervisor, scale: float) -> list[Line]:
    """What a merchant's system does most, and the largest body that it sends."""
    authority = Path(platform.description["ca"])
    port, hello = peers.start(supervisor, "hello", platform.layout.certificates / "web")
    peer_subject = Subject(
        "hello", load.https_calls(f"https://localhost:{port}/", authority, {}), {"hello": hello.pid}
    )
    peer, read = measure(
        [peer_subject, _rest_read(platform, authority)], max(int(REST_CALLS * scale), _FEWEST)
    )
    again, upload = measure([peer_subject, _logo_upload(platform, authority)], max(int(UPLOADS * scale), 20))
    return [
        Line(read, peer, ("gateway",), least=0.25),
        Line(read, peer, ("gateway", "shop")),
        Line(upload, again, ("gateway", "media")),
    ]


def _rest_read(platform: Platform, authority: Path) -> Subject:
    headers, path = people.authorization(platform), _shop_path(platform)
    merchant = Merchant(platform.description["gateway"], str(authority), headers["Authorization"].split()[1])
    _wait_answered(merchant, path)
    calls = load.https_calls(platform.description["gateway"] + path, authority, headers)
    return Subject("shop read over REST", calls, _processes(platform, "shop"))


def _logo_upload(platform: Platform, authority: Path) -> Subject:
    picture, path = io.BytesIO(), f"{_shop_path(platform)}/logo"
    Image.effect_mandelbrot((400, 100), (-2, -1, 1, 1), 50).save(picture, "PNG")
    headers = {**people.authorization(platform), "Content-Type": "image/png"}

    def talk(send: load.Send) -> load.Call:
        return lambda: load.require(send("PUT", path, headers, picture.getvalue()), HTTPStatus.OK)

    calls = load.https(platform.description["gateway"], authority, talk)
    processes = _processes(platform, "media")
    return Subject("logo upload over REST", calls, processes, connections=_UPLOADS_AT_ONCE)


def _processes(platform: Platform, service: str) -> dict[str, int]:
    return {
        **{name: platform.process(name).pid for name in ("gateway", service)},
        **postgres(platform),
    }


def _shop_path(platform: Platform) -> str:
    return f"/v1/{platform.description['companies']['halles']}/shops/{SHOP}"


def _revision(platform: Platform, shop: str) -> str:
    """How far the log of the shop's company has come, as a write tells it."""
    answer = requests.patch(
        f"{platform.description['gateway']}/v1/{shop}",
        json={"displayName": "Boutique des figures"},
        headers=people.authorization(platform),
        verify=platform.description["ca"],
        timeout=load.PATIENCE_SECONDS,
    )
    answer.raise_for_status()
    return answer.headers["Comptoir-Revision"]


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


def postgres(platform: Platform) -> dict[str, int]:
    """Nothing where the server is somebody else's."""
    try:
        return {POSTGRES: platform.process("postgres").pid}
    except KeyError:
        return {}

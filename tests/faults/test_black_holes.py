"""A network that swallows every byte: an answer within the deadline all the same, and work goes on once it is back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from comptoir.shop.v1 import shop_pb2
from deploy.local import databases, files
from deploy.local.platforms import Platform
from services.chassis.errors import TimedOut, Unavailable
from services.chassis.rpc.client import Client
from services.chassis.testing.link import Link, linked
from services.chassis.testing.running import METHODS
from tests.faults import replicas
from tests.faults.replicas import replica
from tests.faults.visitor import DEADLINE_SECONDS, Visitor, recovers, refused_in_time


@dataclass
class Shop:
    """A further shop service, and its way to the database."""

    address: str
    to_database: Link


@pytest.fixture
def shop(faulty: Platform, tmp_path: Path) -> Iterator[Shop]:
    url = tmp_path / "url"
    with linked(databases.url_file(faulty.layout.secrets, "shop", "svc").read_text()) as (link, leading):
        files.write(url, leading.encode())
        with replica(faulty, "shop", tmp_path, COMPTOIR_DATABASE_URL_FILE=str(url)) as kept:
            yield Shop(replicas.address(kept), link)


def test_a_service_behind_a_black_hole_holds_its_callers_no_longer_than_the_deadline_and_nobody_else(
    faulty: Platform, visitor: Visitor, tmp_path: Path
) -> None:
    with (
        Link(faulty.addresses["shop"]) as link,
        replica(faulty, "gateway", tmp_path, COMPTOIR_SHOP_ADDRESS=link.address) as gateway,
    ):
        through = visitor.through(f"https://localhost:{replicas.port(gateway)}")
        recovers("the start", through.reads_shop, through.reads_company)
        with link.swallowing():
            held = [through.reads_shop(), through.renames_shop(), through.reads_shop()]
            beside = through.reads_company()
        recovers("a black hole before shop", through.reads_shop, through.renames_shop)

    assert all(outcome.status in (503, 504) and outcome.reason for outcome in held), held
    assert all(outcome.seconds < DEADLINE_SECONDS for outcome in held), held
    assert beside.status == 200


def test_a_database_behind_a_black_hole_is_told_in_time(
    faulty: Platform, visitor: Visitor, shop: Shop, tmp_path: Path
) -> None:
    (front := tmp_path / "front").mkdir()
    with replica(faulty, "gateway", front, COMPTOIR_SHOP_ADDRESS=shop.address) as gateway:
        through = visitor.through(f"https://localhost:{replicas.port(gateway)}")
        recovers("the start", through.reads_shop, through.renames_shop)
        with shop.to_database.swallowing():
            outcomes = [through.reads_shop(), through.renames_shop(), through.reads_shop()]
            beside = visitor.reads_shop()
        recovers("a black hole before PostgreSQL", through.reads_shop, through.renames_shop)

    assert all(map(refused_in_time, outcomes)), outcomes
    assert {outcome.reason for outcome in outcomes} <= {"DATABASE_UNAVAILABLE", "DATABASE_BUSY"}
    assert beside.status == 200


@pytest.mark.parametrize("seconds", [1.0, 5.0])
def test_a_callers_own_deadline_is_kept_through_a_black_hole(
    faulty: Platform, shop: Shop, seconds: float
) -> None:
    client = Client(shop.address, faulty.layout.certificates / "payment-engine")
    company = faulty.description["companies"]["halles"]
    request = shop_pb2.ListShopsRequest(parent=company)
    try:
        client.call(METHODS["ShopService/ListShops"], request)
        with shop.to_database.swallowing():
            began = time.monotonic()
            with pytest.raises((TimedOut, Unavailable)):
                client.call(METHODS["ShopService/ListShops"], request, seconds=seconds)
            assert time.monotonic() - began < seconds + 1
    finally:
        client.close()

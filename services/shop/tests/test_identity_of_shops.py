"""What tells shops, their versions and their keys apart: public ids, entity tags, prefixes of keys."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from comptoir.shop.v1 import key_pb2, shop_pb2
from services.chassis.db.scope import Scope
from services.chassis.errors import Exists, Invalid, Unavailable
from services.chassis.testing.running import Running
from services.shop import shops
from services.shop.service import SHOP
from services.shop.shops import ShopRow


@pytest.fixture(scope="module")
def shop(run_service: Callable[..., Running]) -> Running:
    return run_service(SHOP)


def opened(shop: Running) -> shop_pb2.Shop:
    request = shop_pb2.CreateShopRequest(
        parent="companies/acme", shop=shop_pb2.Shop(display_name="Boutique du port")
    )
    return shop.call("ShopService/CreateShop", request, shop_pb2.Shop, service="bootstrap")


def test_one_number_of_two_writes_gives_two_tags() -> None:
    tags = {
        ShopRow(
            company="acme",
            shop_id="12345678",
            version=1,
            update_time=datetime(2030, 1, 1, 0, 0, 0, each, UTC),
        ).etag
        for each in (1, 2)
    }

    assert len(tags) == 2


def imported(shop: Running, name: str, value: str) -> key_pb2.Key:
    request = key_pb2.ImportKeyRequest(name=f"{name}/keys/public-test", value=value)
    return shop.call("KeyService/ImportKey", request, key_pb2.Key, service="bootstrap")


def test_a_public_key_from_elsewhere_bears_the_id_of_its_own_shop_in_plain_digits(shop: Running) -> None:
    name = opened(shop).name
    own, rest = name[-8:], ":testpublickey_" + "a" * 45
    foreign = f"{(int(own) + 1) % 10**8:08d}"
    arabic = own.translate({ord("0") + digit: ord("٠") + digit for digit in range(10)})
    for other in (foreign, arabic):
        with pytest.raises(Invalid):
            imported(shop, name, other + rest)

    assert imported(shop, name, own + rest).public_value == own + rest


def test_a_shop_for_which_no_free_id_is_found_is_told_to_come_back(
    shop: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = opened(shop).name[-8:]
    monkeypatch.setattr("secrets.randbelow", lambda _: int(taken))
    with shop.resources.database.open(Scope(company="acme")) as db:
        with pytest.raises(Unavailable):
            shops.register(db, "acme", "")
        with pytest.raises(Exists):
            shops.register(db, "acme", taken)

"""The owner role rotates the KEK over all companies; only then does a former generation count as unused (SH12)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import create_engine

from comptoir.shop.v1 import shop_pb2, signature_pb2
from services.chassis.testing.running import Running
from services.chassis.vault.kek_rotation import add_generation, promote_generation
from services.shop.service import SHOP


@pytest.fixture(scope="module")
def shop(run_service: Callable[..., Running]) -> Running:
    return run_service(SHOP)


def test_a_rotation_reaches_every_company_and_nothing_is_lost(shop: Running) -> None:
    names = []
    for company in ("one", "two", "three"):
        request = shop_pb2.CreateShopRequest(
            parent=f"companies/{company}", shop=shop_pb2.Shop(display_name="Boutique")
        )
        names.append(shop.call("ShopService/CreateShop", request, shop_pb2.Shop, service="bootstrap").name)
    before = [signed(shop, name) for name in names]
    vault, kek_file = shop.resources.vault, shop.settings.kek_file
    generation = add_generation(kek_file)
    promote_generation(kek_file, generation)
    owner = create_engine(shop.database.urls["owner"].replace("postgresql:", "postgresql+psycopg:", 1))

    with owner.begin() as connection:
        in_use = vault.kek_generations_in_use(connection)
        swept = vault.rewrap(connection)
        left = vault.kek_generations_in_use(connection)
    owner.dispose()
    vault.flush()

    assert in_use == {"test"}
    assert swept.rewrapped >= len(names)
    assert left == {generation}
    assert [signed(shop, name) for name in names] == before


def signed(shop: Running, name: str) -> str:
    request = signature_pb2.SignFormRequest(shop=name, fields={"vads_ctx_mode": "TEST"})
    answer = signature_pb2.SignFormResponse
    return shop.call("SignatureService/SignForm", request, answer, service="payment-engine").signature

"""The shop service with its KEKs in a token: signs, is rotated by an operator, and loses what is destroyed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pkcs11
import pytest

from comptoir.shop.v1 import shop_pb2
from services.chassis.db.scope import Scope
from services.chassis.errors import Unavailable
from services.chassis.testing.commands import run_command, told
from services.chassis.testing.running import Running
from services.chassis.testing.softhsm import LABEL, Hsm, soft_hsm
from services.chassis.vault.errors import KeyUnavailable
from services.chassis.vault.kek_rotation import add_generation
from services.chassis.vault.secret import Secret
from services.shop.keys import KINDS, KeyRing
from services.shop.service import SHOP

pytestmark = pytest.mark.slow


@pytest.fixture
def hsm(tmp_path: Path) -> Iterator[Hsm]:
    with soft_hsm(tmp_path) as made:
        yield made


@pytest.fixture
def shop(hsm: Hsm, tmp_path: Path, run_service: Callable[..., Running]) -> Running:
    names = tmp_path / "kek"
    token = hsm.token()
    add_generation(names, token)
    token.close()
    return run_service(
        SHOP,
        kek_file=names,
        kek_token_module=hsm.module,
        kek_token_label=LABEL,
        kek_token_pin_file=hsm.pin_file,
    )


def opened_in(shop: Running, company: str) -> tuple[str, str]:
    message = shop_pb2.Shop(display_name="Boutique")
    request = shop_pb2.CreateShopRequest(parent=f"companies/{company}", shop=message)
    name = shop.call("ShopService/CreateShop", request, shop_pb2.Shop, service="bootstrap").name
    return company, name.rpartition("/")[2]


def value_of(shop: Running, company: str, shop_id: str) -> Secret:
    """The form key, from the database: nothing that was remembered counts."""
    shop.resources.vault.flush()
    with shop.resources.database.transaction(Scope(company, read_only=True)) as db:
        ring = KeyRing(shop.resources.vault)
        return ring.values(db, company, shop_id, KINDS["form-test"])[0].secret


def test_a_service_over_a_token_is_rotated_while_it_runs(shop: Running) -> None:
    shops = [opened_in(shop, company) for company in ("one", "two")]
    before = [value_of(shop, *each) for each in shops]
    former = shop.settings.kek_file.read_text().strip()
    told(shop, "vault", "rotate-kek")
    told(shop, "vault", "destroy", former)
    status = [line for line in told(shop, "vault", "status") if line["event"] == "kek generation"]

    assert [(line["place"], line["data_keys"]) for line in status] == [("current", 4)]
    assert before == [value_of(shop, *each) for each in shops]


def test_a_token_that_is_away_refuses_writes_and_is_found_again(shop: Running, hsm: Hsm) -> None:
    company, shop_id = opened_in(shop, "one")
    before = value_of(shop, company, shop_id)
    pin = hsm.pin_file.read_text()
    hsm.pin_file.unlink()
    # As a token does that restarts: every session with it is over.
    pkcs11.lib(str(hsm.module)).reinitialize()
    with pytest.raises(KeyUnavailable):
        value_of(shop, company, shop_id)
    with pytest.raises(Unavailable) as refused:
        opened_in(shop, "two")
    hsm.pin_file.write_text(pin)

    assert refused.value.reason == "KEY_UNAVAILABLE"
    assert before == value_of(shop, company, shop_id)
    assert opened_in(shop, "two")


def test_commands_say_that_the_token_does_not_answer(shop: Running, hsm: Hsm) -> None:
    hsm.pin_file.write_text("wrong")
    refused = run_command(shop, "vault", "rotate-kek")

    assert refused.returncode == 1
    assert "the key that protects this value is not available" in refused.stderr

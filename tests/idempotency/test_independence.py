"""A key is its sender's own: whoever else uses the same text uses another key."""

from __future__ import annotations

from typing import Any

import pytest

from comptoir.shop.v1 import key_pb2, shop_pb2
from services.chassis.errors import Denied, Invalid, KeyReused
from services.chassis.testing.running import Running
from tests.idempotency.sending import Answer, changes, open_shop, opening, rows, send, shops_of


def rename(shop: Running, name: str, token: str, key: str | None = "same", **options: Any) -> Answer:
    request = shop_pb2.UpdateShopRequest(shop=shop_pb2.Shop(name=name, display_name="Quai"), **options)
    return send(shop, "ShopService/UpdateShop", request, key, token=token)


@pytest.mark.parametrize(
    "other", [{"sub": "somebodyelse"}, {"client_id": "other-app"}], ids=["person", "application"]
)
def test_another_caller_is_not_told_what_the_first_was(shop: Running, other: dict[str, Any]) -> None:
    name = open_shop(shop, "acme", None).message.name
    key = f"caller-{next(iter(other))}"

    assert not rename(shop, name, shop.mint.token(), key).replayed
    assert not rename(shop, name, shop.mint.token(**other), key).replayed
    assert rename(shop, name, shop.mint.token(), key).replayed


def test_a_person_in_another_company_uses_another_key(shop: Running) -> None:
    here, there = (open_shop(shop, company, None).message.name for company in ("here", "there"))

    assert not rename(shop, here, shop.mint.token(company="here")).replayed
    assert not rename(shop, there, shop.mint.token(company="there")).replayed


def test_an_operator_and_a_service_use_a_key_for_each_company(shop: Running) -> None:
    request_of = {company: opening(company) for company in ("left", "right")}
    for token, service in ((shop.mint.operator(), "gateway"), (None, "bootstrap")):
        for request in request_of.values():
            answer = send(shop, "ShopService/CreateShop", request, "same", token=token, service=service)
            assert not answer.replayed

    assert [shops_of(shop, company) for company in ("left", "right")] == [2, 2]


def test_another_method_uses_another_key(shop: Running) -> None:
    name = open_shop(shop, "acme", "method").message.name
    request = key_pb2.RegenerateTestKeyRequest(name=f"{name}/keys/form-test")

    assert not rename(shop, name, shop.mint.token(), "method").replayed
    assert not send(shop, "KeyService/RegenerateTestKey", request, "method", token=shop.mint.token()).replayed


def test_another_request_under_the_key_is_refused_and_has_no_effect(shop: Running) -> None:
    first = open_shop(shop, "reusing", "reused")
    with pytest.raises(KeyReused) as refused:
        open_shop(shop, "reusing", "reused", label="Another")

    assert refused.value.reason == "IDEMPOTENCY_KEY_REUSED"
    assert shops_of(shop, "reusing") == 1
    assert open_shop(shop, "reusing", "reused").content == first.content


def test_whoever_lost_the_right_hears_no_kept_reply(shop: Running) -> None:
    name = open_shop(shop, "acme", None).message.name
    rename(shop, name, shop.mint.token(sub="demoted"), "demoted")

    with pytest.raises(Denied):
        rename(shop, name, shop.mint.token(sub="demoted", role="reader"), "demoted")


def test_a_trial_run_neither_keeps_nor_hears_anything(shop: Running) -> None:
    name = open_shop(shop, "acme", None).message.name
    before = rows(shop, "select count(*) from kept_replies"), changes(shop, "ShopService/UpdateShop")

    for _ in range(2):
        assert not rename(shop, name, shop.mint.token(), "trial", validate_only=True).replayed
    assert (
        rows(shop, "select count(*) from kept_replies"),
        changes(shop, "ShopService/UpdateShop"),
    ) == before
    assert not rename(shop, name, shop.mint.token(), "trial").replayed


@pytest.mark.parametrize("key", ["", "a b", "x" * 256], ids=len)
def test_what_can_be_no_key_is_refused_by_name_and_rule(shop: Running, key: str) -> None:
    with pytest.raises(Invalid) as refused:
        open_shop(shop, "nobody", key)

    assert [(v.field, v.rule) for v in refused.value.violations] == [("idempotency-key", "idempotency_key")]
    assert shops_of(shop, "nobody") == 0


def test_the_longest_key_and_every_visible_character_will_do(shop: Running) -> None:
    for number, key in enumerate(("x" * 255, "".join(map(chr, range(0x21, 0x7F)))), start=1):
        open_shop(shop, "longest", key)
        assert open_shop(shop, "longest", key).replayed
        assert shops_of(shop, "longest") == number


def test_reading_takes_no_notice_of_a_key(shop: Running) -> None:
    name = open_shop(shop, "acme", None).message.name
    request = shop_pb2.GetShopRequest(name=name)
    before = rename(shop, name, shop.mint.token(), None).message.etag
    read = [
        send(shop, "ShopService/GetShop", request, "no key at all", token=shop.mint.token()) for _ in range(2)
    ]

    assert [answer.message.etag for answer in read] == [before, before]
    assert [answer.replayed for answer in read] == [False, False]

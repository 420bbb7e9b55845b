"""Settings of shops, over the wire (SH1, SH2)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from comptoir.shop.v1 import key_pb2, shop_pb2, signature_pb2
from services.chassis.errors import Denied, Invalid, NotFound, Stale, Unauthenticated
from services.chassis.testing.running import Running
from services.shop.service import SHOP


@pytest.fixture(scope="module")
def shop(run_service: Callable[..., Running]) -> Running:
    return run_service(SHOP)


def opened(shop: Running, company: str = "acme") -> shop_pb2.Shop:
    request = shop_pb2.CreateShopRequest(
        parent=f"companies/{company}", shop=shop_pb2.Shop(display_name="Boutique du port")
    )
    return shop.call("ShopService/CreateShop", request, shop_pb2.Shop, service="bootstrap")


def test_a_new_shop_starts_with_working_defaults(shop: Running) -> None:
    found = opened(shop)

    assert len(found.name.rpartition("/")[2]) == 8
    assert found.capture_delay_days == 0
    assert found.validation_mode == shop_pb2.VALIDATION_MODE_AUTOMATIC
    assert found.extra_attempts == 3
    assert found.state == shop_pb2.SHOP_STATE_TEST_ONLY


def test_a_merchant_changes_a_label_and_a_stale_second_write_is_refused(shop: Running) -> None:
    before = opened(shop)
    change = shop_pb2.UpdateShopRequest(
        shop=shop_pb2.Shop(name=before.name, display_name="Nouveau nom", etag=before.etag),
        update_mask=FieldMask(paths=["display_name"]),
    )

    after = shop.call("ShopService/UpdateShop", change, shop_pb2.Shop, token=shop.mint.token())
    with pytest.raises(Stale):
        shop.call("ShopService/UpdateShop", change, shop_pb2.Shop, token=shop.mint.token())

    read = shop_pb2.GetShopRequest(name=before.name)
    assert shop.call("ShopService/GetShop", read, shop_pb2.Shop, token=shop.mint.token()) == after
    assert after.display_name == "Nouveau nom"


def test_another_companys_token_gets_the_answer_of_a_shop_that_never_existed(shop: Running) -> None:
    theirs = opened(shop, "victim").name
    never = "companies/victim/shops/00000000"
    messages = []
    for name in (theirs, never):
        with pytest.raises(NotFound) as refused:
            shop.call(
                "ShopService/GetShop",
                shop_pb2.GetShopRequest(name=name),
                shop_pb2.Shop,
                token=shop.mint.token(),
            )
        messages.append(refused.value.message.replace(name, "NAME"))

    assert messages[0] == messages[1]


def test_refusals_name_the_field_and_the_rule(shop: Running) -> None:
    name = opened(shop).name
    request = shop_pb2.UpdateShopRequest(
        shop=shop_pb2.Shop(name=name, url="http://insecure.example", capture_delay_days=366)
    )
    with pytest.raises(Invalid) as refused:
        shop.call("ShopService/UpdateShop", request, shop_pb2.Shop, token=shop.mint.token())

    assert [v.field for v in refused.value.violations] == ["shop.capture_delay_days", "shop.url"]


def test_a_reader_is_told_which_right_is_missing(shop: Running) -> None:
    name = opened(shop).name
    request = shop_pb2.UpdateShopRequest(shop=shop_pb2.Shop(name=name, display_name="x"))
    with pytest.raises(Denied) as refused:
        shop.call("ShopService/UpdateShop", request, shop_pb2.Shop, token=shop.mint.token(role="reader"))

    assert refused.value.metadata["permission"] == "shop.settings.update"


def test_nobody_reads_a_shop(shop: Running) -> None:
    name = opened(shop).name
    with pytest.raises(Unauthenticated):
        shop.call("ShopService/GetShop", shop_pb2.GetShopRequest(name=name), shop_pb2.Shop)


def test_an_internal_service_gets_the_public_vector_of_the_form_signature(shop: Running) -> None:
    request = shop_pb2.CreateShopRequest(
        parent="companies/acme", shop=shop_pb2.Shop(display_name="Vector"), shop_id="12345678"
    )
    name = shop.call("ShopService/CreateShop", request, shop_pb2.Shop, service="bootstrap").name
    key = key_pb2.ImportKeyRequest(name=f"{name}/keys/form-test", value="1122334455667788")
    shop.call("KeyService/ImportKey", key, key_pb2.Key, service="bootstrap")
    fields = {
        "vads_action_mode": "INTERACTIVE",
        "vads_amount": "5124",
        "vads_ctx_mode": "TEST",
        "vads_currency": "978",
        "vads_page_action": "PAYMENT",
        "vads_payment_config": "SINGLE",
        "vads_site_id": "12345678",
        "vads_trans_date": "20170129130025",
        "vads_trans_id": "123456",
        "vads_version": "V2",
    }

    signed = shop.call(
        "SignatureService/SignForm",
        signature_pb2.SignFormRequest(shop="companies/-/shops/12345678", fields=fields),
        signature_pb2.SignFormResponse,
        service="payment-engine",
    )

    assert signed.signature == "ycA5Do5tNvsnKdc/eP1bj2xa19z9q3iWPy9/rpesfS0="

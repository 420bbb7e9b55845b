"""A merchant signs in and changes a real shop; an internal service signs with it; a stranger sees nothing."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests
from PIL import Image

from comptoir.shop.v1 import shop_pb2, signature_pb2
from deploy.local.browser import Application, Merchant
from deploy.local.platforms import Platform
from services.chassis.rpc.client import Client
from services.chassis.testing.running import METHODS

SignIn = Callable[..., Merchant]
VECTOR = {
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


def shop_of(demonstration: dict[str, Any], company: str = "halles", shop: str = "12345678") -> str:
    return f"/v1/{demonstration['companies'][company]}/shops/{shop}"


def test_a_merchant_signs_in_and_refreshes(application: Application, demonstration: dict[str, Any]) -> None:
    alice = next(login for login in demonstration["logins"] if login["login"] == "alice")
    first = application.sign_in("alice", alice["password"])
    second = application.redeem(grant_type="refresh_token", refresh_token=first["refresh_token"])
    merchant = Merchant(application.gateway, application.authority, second["access_token"])

    assert second["refresh_token"] != first["refresh_token"]
    assert merchant.get(shop_of(demonstration)).status_code == 200


def test_a_label_is_changed_under_if_match_and_a_stale_second_write_is_refused(
    signed_in: SignIn, demonstration: dict[str, Any]
) -> None:
    alice, shop = signed_in("alice"), shop_of(demonstration)
    etag = alice.get(shop).headers["ETag"]

    first = alice.patch(shop, json={"displayName": "Boutique des quais"}, headers={"If-Match": etag})
    second = alice.patch(shop, json={"displayName": "Trop tard"}, headers={"If-Match": etag})

    assert first.status_code == 200, first.text
    assert second.status_code == 412
    assert second.headers["Content-Type"] == "application/problem+json"
    assert alice.get(shop).json()["displayName"] == "Boutique des quais"


def test_a_large_picture_becomes_a_logo_that_anybody_can_fetch(
    signed_in: SignIn, demonstration: dict[str, Any]
) -> None:
    alice, shop = signed_in("alice"), shop_of(demonstration)
    picture = io.BytesIO()
    Image.new("RGB", (3000, 1000), "navy").save(picture, "PNG")

    imported = alice.request(
        "PUT", f"{shop}/logo", data=picture.getvalue(), headers={"Content-Type": "image/png"}
    )
    assert imported.status_code == 200, imported.text
    served = requests.get(imported.json()["uri"], verify=alice.authority, timeout=30)

    assert Image.open(io.BytesIO(served.content)).size == (312, 104)
    assert served.headers["Content-Type"] == "image/png"
    assert "immutable" in served.headers["Cache-Control"]


def test_an_internal_service_reads_the_shop_and_gets_the_public_vector(
    platform: Platform, demonstration: dict[str, Any]
) -> None:
    client = Client(demonstration["grpc"]["shop"], Path(demonstration["internal"]["payment-engine"]))
    shop: Any = client.call(
        METHODS["ShopService/GetShop"], shop_pb2.GetShopRequest(name="companies/-/shops/12345678")
    )
    form = signature_pb2.SignFormRequest(shop=shop.name, fields=VECTOR)
    signed: Any = client.call(METHODS["SignatureService/SignForm"], form)
    client.close()

    assert signed.signature == "ycA5Do5tNvsnKdc/eP1bj2xa19z9q3iWPy9/rpesfS0="


def test_another_company_gets_the_answer_of_a_shop_that_never_existed(
    signed_in: SignIn, demonstration: dict[str, Any]
) -> None:
    chloe = signed_in("chloe")
    answers = []
    for shop in ("12345678", "00000000"):
        path = shop_of(demonstration, "halles", shop)
        answer = chloe.get(path)
        text = answer.text.replace(shop, "SHOP").replace(answer.headers["X-Request-Id"], "REQUEST")
        answers.append((answer.status_code, text))

    assert answers[0] == answers[1]
    assert answers[0][0] == 404


def test_a_person_of_two_companies_works_in_the_one_they_chose(
    signed_in: SignIn, demonstration: dict[str, Any]
) -> None:
    developer, owner = signed_in("bruno", "halles"), signed_in("bruno", "atelier")

    assert developer.get(shop_of(demonstration)).status_code == 200
    assert developer.get(shop_of(demonstration, "atelier", "27656401")).status_code == 404
    assert owner.get(shop_of(demonstration, "atelier", "27656401")).status_code == 200
    company = f"/v1/{demonstration['companies']['halles']}"
    refused = developer.patch(company, json={"timeZone": "Europe/Paris"})
    assert refused.status_code == 403
    assert refused.json()["permission"] == "company.update"


def test_every_service_comes_back_from_a_kill_with_everything_it_had(
    platform: Platform, signed_in: SignIn, demonstration: dict[str, Any]
) -> None:
    alice, shop = signed_in("alice"), shop_of(demonstration)
    company = f"/v1/{demonstration['companies']['halles']}"
    alice.patch(shop, json={"managerEmail": "quais@boutique.example"})
    paths = [shop, f"{shop}/keys", company, f"{company}/messages", f"{company}/memberships"]
    before = [lasting(alice.get(path).json()) for path in paths]

    for name in ("identity", "company", "shop", "media", "inbox", "gateway", "postgres"):
        platform.kill(name)
        platform.process(name).wait_healthy()

    after = [lasting(eventually(alice, path)) for path in paths]
    assert before == after


def lasting(answer: Any) -> Any:
    """The answer without what is counted beside it: uses of keys, which are written some seconds later."""
    for key in answer.get("keys", ()):
        key.pop("lastUseTime", None)
    return answer


def eventually(merchant: Merchant, path: str) -> Any:
    """The answer, once services have found their database again: until then they say 503 and when to come back."""
    for _ in range(100):
        answer = merchant.get(path)
        if answer.status_code != 503:
            return answer.json()
        assert "Retry-After" in answer.headers
    return answer.json()

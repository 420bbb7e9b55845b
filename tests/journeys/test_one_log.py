"""What people did is in the record, can be taken back, and reaches everybody it concerns."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

from comptoir.changes.v1 import feed_pb2
from deploy.local.browser import Merchant
from deploy.local.platforms import Platform
from services.chassis.feed.client import FeedClient
from services.chassis.testing.waiting import until
from tests.journeys.test_first_light import shop_of

SignIn = Callable[..., Merchant]
SHOP = "69876357"


def rename(merchant: Merchant, shop: str, label: str, **headers: str) -> Any:
    answer = merchant.patch(shop, json={"displayName": label}, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer


def test_a_change_is_read_exported_and_reverted(signed_in: SignIn, demonstration: dict[str, Any]) -> None:
    alice, shop = signed_in("alice"), shop_of(demonstration, shop=SHOP)
    before = alice.get(shop).json()["displayName"]
    revision = rename(alice, shop, "Marché du port").headers["Comptoir-Revision"]
    assert (
        alice.get(shop, headers={"Comptoir-Min-Revision": revision}).json()["displayName"] == "Marché du port"
    )

    newest = alice.get(f"{shop}/changes").json()["changes"][0]
    changed = newest["before"]["display_name"], newest["after"]["display_name"]
    assert changed == (before, "Marché du port")
    assert (newest["client"], newest["action"]) == ("demo-app", "ACTION_UPDATE")
    exported = alice.get(f"{shop}/changes:export", params={"format": "EXPORT_FORMAT_CSV"})
    assert exported.status_code == 200, exported.text
    lines = list(csv.DictReader(io.StringIO(exported.content.decode("utf-8-sig"))))
    assert "Marché du port" in [line["after"] for line in lines]

    reverted = alice.request("POST", f"/v1/{newest['name']}:revert", json={})
    assert reverted.status_code == 200, reverted.text
    assert alice.get(shop).json()["displayName"] == before


def test_a_change_sent_again_has_one_effect(signed_in: SignIn, demonstration: dict[str, Any]) -> None:
    alice, shop = signed_in("alice"), shop_of(demonstration, shop=SHOP)
    first = rename(alice, shop, "Une fois", **{"Idempotency-Key": '"journey-1"'})
    count = len(alice.get(f"{shop}/changes").json()["changes"])
    second = rename(alice, shop, "Une fois", **{"Idempotency-Key": '"journey-1"'})
    other = alice.patch(shop, json={"displayName": "Deux"}, headers={"Idempotency-Key": '"journey-1"'})

    assert first.content == second.content
    assert second.headers["Idempotency-Replayed"] == "true"
    assert count == len(alice.get(f"{shop}/changes").json()["changes"])
    assert (other.status_code, other.json()["reason"]) == (422, "IDEMPOTENCY_KEY_REUSED")


def test_an_internal_service_follows_the_shops(
    platform: Platform, signed_in: SignIn, demonstration: dict[str, Any]
) -> None:
    client = FeedClient(demonstration["feeds"]["shop"], platform.layout.certificates / "payment-engine")
    stream = client.watch(feed_pb2.WatchChangesRequest(types=["comptoir.shop/Shop"]), seconds=30)
    names = []
    for told in stream:
        if told.HasField("snapshot_end"):
            break
        names.append(told.resource.name)
    shop = shop_of(demonstration, shop=SHOP)
    rename(signed_in("alice"), shop, "Suivi")

    change = next(told.change for told in stream if told.HasField("change"))
    client.close()
    assert shop.removeprefix("/v1/") in names
    assert (change.resource, change.state["display_name"]) == (shop.removeprefix("/v1/"), "Suivi")


def test_what_happened_arrives_in_the_inbox(signed_in: SignIn, demonstration: dict[str, Any]) -> None:
    alice, shop = signed_in("alice"), shop_of(demonstration, shop=SHOP)
    made = alice.request("POST", f"{shop}/keys/form-test:regenerate", json={})
    assert made.status_code == 200, made.text
    inbox = f"/v1/{demonstration['companies']['halles']}/messages"

    def told() -> bool:
        messages = alice.get(inbox).json()["messages"]
        return any(SHOP in text["body"] for message in messages for text in message["texts"])

    assert until(told, "the inbox tells of the key")

"""Changing over REST: masks, versions, trial runs, actions."""

from __future__ import annotations

import pytest
from werkzeug.test import TestResponse

from services.gateway.tests.door import Door, fields, refused


def test_the_fields_in_the_body_are_changed_and_no_others(door: Door) -> None:
    shop = door.opened(url="https://boutique.example", capture_delay_days=4)
    answer = door.call("PATCH", shop, json={"displayName": "Quai", "url": ""})

    assert answer.status_code == 200
    assert (answer.get_json()["displayName"], answer.get_json()["url"]) == ("Quai", "")
    assert answer.get_json()["captureDelayDays"] == 4


@pytest.mark.parametrize("mask", ["displayName,url", "display_name,url"])
def test_a_mask_in_the_query_comes_before_what_the_body_holds(door: Door, mask: str) -> None:
    shop = door.opened(url="https://boutique.example")
    body = {"displayName": "Quai", "captureDelayDays": 9, "name": shop.removeprefix("/v1/")}
    answer = door.call("PATCH", f"{shop}?updateMask={mask}", json=body)

    assert answer.status_code == 200
    assert (answer.get_json()["displayName"], answer.get_json()["url"]) == ("Quai", "")
    assert answer.get_json()["captureDelayDays"] == 0


def test_a_resource_can_be_sent_back_as_it_was_read(door: Door) -> None:
    shop = door.opened()
    read = door.call("GET", shop).get_json()
    answer = door.call("PATCH", shop, json={**read, "displayName": "Quai"})

    assert answer.status_code == 200
    assert answer.get_json()["displayName"] == "Quai"


def test_a_trial_run_changes_nothing(door: Door) -> None:
    shop = door.opened()
    answer = door.call("PATCH", f"{shop}?validateOnly=true", json={"displayName": "Quai"})

    assert answer.get_json()["displayName"] == "Quai"
    assert door.call("GET", shop).get_json()["displayName"] == "Boutique du port"


@pytest.mark.parametrize("how", ["header", "body"])
def test_a_second_write_on_the_same_version_is_refused(door: Door, how: str) -> None:
    shop = door.opened()
    etag = door.call("GET", shop).headers["ETag"]

    def change(label: str) -> TestResponse:
        if how == "header":
            return door.call("PATCH", shop, json={"displayName": label}, headers={"If-Match": etag})
        return door.call("PATCH", shop, json={"displayName": label, "etag": etag})

    first, second = change("one"), change("two")

    assert first.status_code == 200
    problem = refused(second, 412, "STALE_ETAG")
    assert problem["current_etag"] == first.headers["ETag"]
    assert door.call("GET", shop).get_json()["displayName"] == "one"


def test_any_version_may_be_asked_for(door: Door) -> None:
    answer = door.call("PATCH", door.opened(), json={"displayName": "x"}, headers={"If-Match": "*"})

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("headers", "status", "reason"),
    [
        ({"If-Match": 'W/"abc"'}, 412, "STALE_ETAG"),
        ({"If-Match": "abc"}, 400, "INVALID"),
        ({"If-Match": '"a", "b"'}, 400, "INVALID"),
        ({"If-Match": '"from the header"'}, 400, "INVALID"),
        ({"If-None-Match": "*"}, 400, "INVALID"),
    ],
)
def test_conditions_that_cannot_be_kept_are_refused(
    door: Door, headers: dict[str, str], status: int, reason: str
) -> None:
    shop = door.opened()
    before = door.call("GET", shop).get_json()

    refused(
        door.call("PATCH", shop, json={"displayName": "x", "etag": '"b"'}, headers=headers), status, reason
    )
    assert door.call("GET", shop).get_json() == before


def test_a_version_is_not_compared_where_there_is_none(door: Door) -> None:
    key = f"{door.opened()}/keys/form-test"
    answer = door.call("POST", f"{key}:regenerate", json={}, headers={"If-Match": '"a"'})

    assert fields(refused(answer, 400, "INVALID")) == [("If-Match", "precondition")]


def test_an_action_needs_no_body_when_it_has_nothing_to_say(door: Door) -> None:
    shop = door.opened()
    before = door.call("GET", f"{shop}/keys/form-test").get_json()
    after = door.call("POST", f"{shop}/keys/form-test:regenerate")

    assert after.status_code == 200
    assert after.get_json()["checkValue"] != before["checkValue"]


def test_an_operator_opens_a_shop_under_the_id_it_had(door: Door) -> None:
    answer = door.call(
        "POST",
        "/v1/companies/acme/shops?shopId=00000042",
        token=door.mint.operator(),
        json={"displayName": "Boutique"},
    )

    assert answer.status_code == 200
    assert answer.get_json()["name"] == "companies/acme/shops/00000042"
    again = door.call(
        "POST",
        "/v1/companies/acme/shops?shop_id=00000042",
        token=door.mint.operator(),
        json={"displayName": "Boutique"},
    )
    refused(again, 409, "SHOP_ID_TAKEN")

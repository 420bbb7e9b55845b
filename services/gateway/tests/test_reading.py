"""Reading over REST: resources, versions, pages."""

from __future__ import annotations

from services.gateway.tests.door import Door, refused


def test_a_shop_is_read_with_its_defaults_and_its_version(door: Door) -> None:
    answer = door.call("GET", door.opened())

    assert answer.status_code == 200
    assert answer.get_json()["displayName"] == "Boutique du port"
    assert answer.get_json()["captureDelayDays"] == 0
    assert answer.get_json()["notifyRefusedAttempts"] is False
    assert answer.headers["ETag"] == answer.get_json()["etag"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers


def test_headers_that_browsers_need_are_on_every_answer(door: Door) -> None:
    for answer in (
        door.call("GET", door.opened()),
        door.call("GET", "/nowhere"),
        door.call("GET", "/healthz"),
    ):
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


def test_a_version_already_held_is_not_sent_again(door: Door) -> None:
    shop = door.opened()
    etag = door.call("GET", shop).headers["ETag"]
    for header in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        answer = door.call("GET", shop, headers={"If-None-Match": header})
        assert (answer.status_code, answer.data) == (304, b"")
        assert answer.headers["ETag"] == etag

    assert door.call("GET", shop, headers={"If-None-Match": '"other"'}).status_code == 200


def test_a_read_of_another_version_than_asked_for_is_refused(door: Door) -> None:
    shop = door.opened()

    refused(door.call("GET", shop, headers={"If-Match": '"other"'}), 412, "STALE_ETAG")


def test_a_list_goes_on_by_its_link_until_the_last_page(door: Door) -> None:
    token = door.mint.token(company="listed")
    opened = sorted(door.opened("listed").removeprefix("/v1/") for _ in range(3))
    path, found = "/v1/companies/listed/shops?page_size=2", []
    while path:
        answer = door.call("GET", path, token=token)
        found += [shop["name"] for shop in answer.get_json()["shops"]]
        link = answer.headers.get("Link", "")
        path = link.partition(">")[0].removeprefix("<")
        assert bool(link) == bool(answer.get_json()["nextPageToken"])

    assert found == opened


def test_the_clients_own_request_id_comes_back_if_it_is_sane(door: Door) -> None:
    shop = door.opened()
    given = "order-2026.11_23"

    assert door.call("GET", shop, headers={"X-Request-Id": given}).headers["X-Request-Id"] == given
    for strange in ("short", "a" * 65, "with space 123", "é" * 9):
        answer = door.call("GET", shop, headers={"X-Request-Id": strange})
        assert len(answer.headers["X-Request-Id"]) == 32

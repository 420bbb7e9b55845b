"""Bad input: each mistake is named by field and rule, and nothing is changed."""

from __future__ import annotations

from typing import Any

import pytest

from services.gateway.faults import LARGEST_BODY
from services.gateway.tests.door import Door, fields, refused


def test_a_service_names_the_clients_own_fields(door: Door) -> None:
    answer = door.call("PATCH", door.opened(), json={"url": "http://x.example", "captureDelayDays": 366})
    problem = refused(answer, 400, "INVALID")

    assert fields(problem) == [("captureDelayDays", "int32.gte_lte"), ("url", "https_uri")]
    assert problem["detail"].startswith("captureDelayDays: ")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"nope": 1}, ("nope", "unknown_field")),
        ({"validationMode": "MAYBE"}, ("validationMode", "enum")),
        ({"captureDelayDays": "soon"}, ("captureDelayDays", "json_type")),
        ({"displayName": "x" * 128}, ("displayName", "string.max_len")),
        ({"displayName": ""}, ("displayName", "required")),
        ({"name": "companies/acme/shops/00000000"}, ("name", "address")),
        ([1], ("body", "json_type")),
    ],
)
def test_each_mistake_is_named_and_nothing_is_changed(
    door: Door, body: Any, expected: tuple[str, str]
) -> None:
    shop = door.opened()
    before = door.call("GET", shop).get_json()
    problem = refused(door.call("PATCH", shop, json=body), 400, "INVALID")

    assert expected in fields(problem)
    assert door.call("GET", shop).get_json() == before


def test_a_malformed_body_is_answered_with_its_position(door: Door) -> None:
    answer = door.call("PATCH", door.opened(), data=b'{"displayName": ', content_type="application/json")

    assert "line 1, column 17" in refused(answer, 400, "MALFORMED_JSON")["detail"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("colour=red", ("colour", "unknown_parameter")),
        ("pageSize=many", ("pageSize", "json_type")),
        ("pageSize=1&page_size=2", ("pageSize", "duplicate")),
        ("pageSize=1&pageSize=1", ("pageSize", "duplicate")),
        ("pageSize=-1", ("pageSize", "int32.gte")),
        ("pageToken=stolen", ("pageToken", "page_token")),
        ("access_token=eyJ", ("access_token", "unknown_parameter")),
        ("parent=companies/victim", ("parent", "unknown_parameter")),
    ],
)
def test_each_bad_parameter_is_named(door: Door, query: str, expected: tuple[str, str]) -> None:
    answer = door.call("GET", f"/v1/companies/acme/shops?{query}")

    assert fields(refused(answer, 400, "INVALID")) == [expected]


@pytest.mark.parametrize(
    "revision", ["", "newest", "shop.", "identity.AAAA", "shop.AAAA", "shop.a\tb", "shop.é", "*"], ids=ascii
)
def test_what_is_no_revision_is_named_by_its_header(door: Door, revision: str) -> None:
    answer = door.call("GET", door.opened(), headers={"Comptoir-Min-Revision": revision})

    assert fields(refused(answer, 400, "INVALID")) == [("Comptoir-Min-Revision", "revision")]


@pytest.mark.parametrize(
    ("headers", "accepted"),
    [
        ({"Content-Type": "text/plain"}, "application/json, application/merge-patch+json"),
        (
            {"Content-Type": "application/x-www-form-urlencoded"},
            "application/json, application/merge-patch+json",
        ),
        (
            {"Content-Type": "application/json; charset=utf-16"},
            "application/json, application/merge-patch+json",
        ),
        ({}, "application/json, application/merge-patch+json"),
    ],
)
def test_a_body_of_another_type_is_refused(door: Door, headers: dict[str, str], accepted: str) -> None:
    answer = door.call("PATCH", door.opened(), data=b"{}", headers=headers)

    refused(answer, 415, "UNSUPPORTED_MEDIA_TYPE")
    assert answer.headers["Accept"] == accepted


def test_a_compressed_body_is_refused(door: Door) -> None:
    answer = door.call("PATCH", door.opened(), data=b"{}", headers={"Content-Encoding": "gzip"})

    refused(answer, 415, "UNSUPPORTED_MEDIA_TYPE")
    assert answer.headers["Accept-Encoding"] == "identity"


def test_a_client_that_wants_no_json_is_told_before_anything_happens(door: Door) -> None:
    shop = door.opened()
    answer = door.call("PATCH", shop, json={"displayName": "x"}, headers={"Accept": "text/csv"})

    refused(answer, 406, "NOT_ACCEPTABLE")
    assert door.call("GET", shop).get_json()["displayName"] == "Boutique du port"
    assert door.call("GET", shop, headers={"Accept": "text/html, */*;q=0.1"}).status_code == 200


def test_a_body_that_is_too_large_is_refused(door: Door) -> None:
    answer = door.call("PATCH", door.opened(), json={"displayName": "x" * LARGEST_BODY})

    refused(answer, 413, "BODY_TOO_LARGE")


def test_a_read_takes_no_body(door: Door) -> None:
    assert fields(refused(door.call("GET", door.opened(), data=b"x"), 400, "INVALID")) == [
        ("body", "no_body")
    ]


def test_an_unknown_address_and_a_wrong_verb_are_problems(door: Door) -> None:
    refused(door.call("GET", "/v1/nothing"), 404, "ROUTE_NOT_FOUND")
    refused(door.call("GET", f"{door.opened()}/"), 404, "ROUTE_NOT_FOUND")
    wrong = door.call("PUT", door.opened())

    refused(wrong, 405, "METHOD_NOT_ALLOWED")
    assert wrong.headers["Allow"] == "GET, HEAD, OPTIONS, PATCH"


def test_an_action_is_not_a_resource(door: Door) -> None:
    answer = door.call("GET", f"{door.opened()}/keys/form-test:regenerate")

    refused(answer, 405, "METHOD_NOT_ALLOWED")

"""Histories over REST: pages and their links, files to save, filters in the query, reverting."""

from __future__ import annotations

import csv
import io
import json

import pytest
from google.api import httpbody_pb2
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from comptoir.changes.v1 import change_pb2
from services.gateway.respond import respond
from services.gateway.tests.door import Door, fields, refused, route


def changed(door: Door, *labels: str) -> str:
    """A new shop with these labels, one after the other; its address."""
    shop = door.opened()
    for days, label in enumerate(labels):
        answer = door.call("PATCH", shop, json={"displayName": label, "captureDelayDays": days + 1})
        assert answer.status_code == 200, answer.text
    return shop


def test_a_change_is_shown_with_its_values_by_the_paths_of_the_contract(door: Door) -> None:
    shop = changed(door, "Une")
    newest = door.call("GET", f"{shop}/changes?pageSize=1").get_json()["changes"][0]
    read = door.call("GET", f"/v1/{newest['name']}")

    assert newest["action"] == "ACTION_UPDATE"
    assert newest["before"] == {"display_name": "Boutique du port", "capture_delay_days": 0}
    assert newest["after"] == {"display_name": "Une", "capture_delay_days": 1}
    assert isinstance(newest["after"]["capture_delay_days"], int)
    assert read.get_json() == newest


def test_the_link_leads_from_page_to_page_with_the_filters_that_were_asked(door: Door) -> None:
    shop = changed(door, "Une", "Autre", "Encore")
    first = door.call("GET", f"{shop}/changes?pageSize=2&fields=display_name&actions=ACTION_UPDATE")
    following = first.headers["Link"].removeprefix("<").partition(">")[0]
    second = door.call("GET", following)
    labels = [
        change["after"]["display_name"] for page in (first, second) for change in page.get_json()["changes"]
    ]

    assert first.headers["Link"].endswith('; rel="next"')
    assert labels == ["Encore", "Autre", "Une"]
    assert "Link" not in second.headers


def test_filters_that_are_none_are_named(door: Door) -> None:
    shop = door.opened()
    answer = door.call("GET", f"{shop}/changes?actions=ACTION_BURN&startTime=yesterday&fields=A B")
    problem = refused(answer, 400, "INVALID")
    assert {"actions[0]", "startTime"} <= {name for name, _ in fields(problem)}
    assert fields(refused(door.call("GET", f"{shop}/changes?fields=A B"), 400, "INVALID")) == [
        ("fields[0]", "string.pattern")
    ]


def test_a_history_is_saved_as_a_file_part_by_part(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = changed(door, "=Une", "Autre")
    monkeypatch.setattr("services.chassis.changes.export.MOST_CHANGES", 1)
    address, text, parts = f"{shop}/changes:export?actions=ACTION_UPDATE&fields=display_name", "", 0
    while address:
        answer = door.call("GET", address)
        assert answer.status_code == 200, answer.text
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert answer.headers["Content-Disposition"].startswith('attachment; filename="shops-')
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "no-store" in answer.headers["Cache-Control"]
        address = answer.headers.get("Link", "").removeprefix("<").partition(">")[0]
        text, parts = text + answer.text, parts + 1
    found = [row for row in csv.DictReader(io.StringIO(text, newline="")) if row["field"] == "display_name"]

    assert [(row["before"], row["after"]) for row in found] == [
        ("'=Une", "Autre"),
        ("Boutique du port", "'=Une"),
    ]
    assert parts == 2


def test_ndjson_shows_what_the_list_shows(door: Door) -> None:
    shop = changed(door, "Une")
    answer = door.call("GET", f"{shop}/changes:export?format=EXPORT_FORMAT_NDJSON")
    lines = [json.loads(line) for line in answer.text.splitlines()]
    listed = door.call("GET", f"{shop}/changes").get_json()["changes"]
    for change in listed:
        del change["sourceAddress"]

    assert answer.headers["Content-Type"] == "application/x-ndjson"
    assert answer.headers["Content-Disposition"].endswith('.ndjson"')
    assert lines == listed


@pytest.mark.parametrize("name", ['a".csv', "a\r\nX: y", "../a.csv", ".a", "é.csv", "a b", "", "a" * 200])
def test_no_name_of_a_file_says_anything_to_a_header_or_a_disk(name: str) -> None:
    body = httpbody_pb2.HttpBody(content_type="text/csv", data=b"")
    body.extensions.add().Pack(change_pb2.ExportedPage(file_name=name))
    request = Request(EnvironBuilder("/").get_environ())
    answer = respond(route("shop.v1.ShopService.ExportShopChanges.0"), body, request, {})

    assert answer.headers["Content-Disposition"] == "attachment"


def test_a_shop_is_read_as_it_stood(door: Door) -> None:
    shop = changed(door, "Une")
    time = door.call("GET", shop).get_json()["updateTime"]
    door.call("PATCH", shop, json={"displayName": "Autre"})
    answer = door.call("GET", f"{shop}?readTime={time}")

    assert answer.get_json()["displayName"] == "Une"
    assert "ETag" not in answer.headers
    refused(door.call("GET", f"{shop}?readTime=2001-01-01T00:00:00Z"), 404, "NOT_CREATED_YET")


def test_a_change_is_reverted_by_its_address(door: Door) -> None:
    shop = changed(door, "Une")
    newest = door.call("GET", f"{shop}/changes?pageSize=1").get_json()["changes"][0]["name"]
    stale = door.call("POST", f"/v1/{newest}:revert", json={}, headers={"If-Match": '"0"'})
    answer = door.call("POST", f"/v1/{newest}:revert", json={"reason": "A slip"})
    again = door.call("POST", f"/v1/{newest}:revert")

    refused(stale, 412, "STALE_ETAG")
    assert (answer.status_code, answer.get_json()["displayName"]) == (200, "Boutique du port")
    assert refused(again, 409, "CHANGED_SINCE")["detail"] == (
        "Changed again since: capture_delay_days, display_name."
    )
    assert door.call("GET", f"{shop}/changes").get_json()["changes"][0]["reason"] == "A slip"


def test_the_wildcard_reads_every_shop_of_ones_own_company(door: Door) -> None:
    changed(door, "Une")

    assert door.call("GET", "/v1/companies/acme/shops/-/changes").status_code == 200
    refused(door.call("GET", "/v1/companies/victim/shops/-/changes"), 404, "NOT_FOUND")

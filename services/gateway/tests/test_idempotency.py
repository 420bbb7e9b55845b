"""Writes repeated over REST under an `Idempotency-Key`."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from werkzeug.test import TestResponse

from services.gateway.idempotency import takes_key
from services.gateway.tests.door import ROUTES, Door, fields, refused
from services.gateway.tests.test_openapi import OPERATIONS


def opening(door: Door, key: str, label: str = "Boutique du port", company: str = "keyed") -> TestResponse:
    door.shop.acquaintance.company(company)
    return door.call(
        "POST",
        f"/v1/companies/{company}/shops",
        token=door.mint.operator(),
        headers={"Idempotency-Key": key},
        json={"displayName": label},
    )


def shops(door: Door, company: str = "keyed") -> int:
    answer = door.call("GET", f"/v1/companies/{company}/shops", token=door.mint.token(company=company))
    return len(answer.get_json()["shops"])


def test_a_repeated_request_has_one_effect_and_says_that_it_is_repeated(door: Door) -> None:
    first, second = (opening(door, "one", company="twice") for _ in range(2))

    assert (first.status_code, second.status_code) == (200, 200)
    assert first.data == second.data
    assert first.headers["ETag"] == second.headers["ETag"]
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["Idempotency-Replayed"] == "true"
    assert shops(door, "twice") == 1


def test_a_key_is_the_same_quoted_and_bare(door: Door) -> None:
    answers = [opening(door, key, company="quoted") for key in ('"a\\"b\\\\"', 'a"b\\')]

    assert [answer.headers.get("Idempotency-Replayed") for answer in answers] == [None, "true"]


def test_another_request_under_the_key_is_refused(door: Door) -> None:
    opening(door, "taken")
    before = shops(door)

    refused(opening(door, "taken", "Another"), 422, "IDEMPOTENCY_KEY_REUSED")
    assert shops(door) == before


@pytest.mark.parametrize("key", ["", '""', '"', '"a', '"a", "b"', "a, b", "a b", '"a b"', "é", "x" * 256])
def test_what_is_no_key_is_refused_by_name_and_rule(door: Door, key: str) -> None:
    before = shops(door)
    problem = refused(opening(door, key), 400, "INVALID")

    assert fields(problem) == [("Idempotency-Key", "idempotency_key")]
    assert shops(door) == before


def test_a_request_under_way_is_waited_for(door: Door) -> None:
    shop = door.opened()

    def rename() -> TestResponse:
        return door.client.patch(
            shop,
            json={"displayName": "Quai"},
            headers={"Authorization": f"Bearer {door.mint.token()}", "Idempotency-Key": "slow"},
        )

    with ThreadPoolExecutor(1) as pool, door.shop.database.administrator() as holder:
        holder.execute("begin")
        holder.execute("select from shops where shop_id = %s for update", [shop.rpartition("/")[2]])
        slow = pool.submit(rename)
        wait_for_advisory_lock(door)
        early = rename()
        holder.execute("rollback")
        done = slow.result()
    later = rename()

    problem = refused(early, 409, "IDEMPOTENCY_KEY_IN_USE")
    assert (problem["retry_after"], early.headers["Retry-After"]) == (1, "1")
    assert done.status_code == 200
    assert (later.data, later.headers["Idempotency-Replayed"]) == (done.data, "true")


def wait_for_advisory_lock(door: Door) -> None:
    """Returns as soon as the first request holds its key."""
    query = (
        "select from pg_locks where locktype = 'advisory' and database = (select oid from pg_database"
        " where datname = current_database())"
    )
    with door.shop.database.administrator() as connection:
        for _ in range(80):
            if connection.execute(query).fetchone() is not None:
                return
            threading.Event().wait(0.01)
    raise AssertionError("the first request never took its key")


def test_reading_takes_no_notice_of_a_key(door: Door) -> None:
    answer = door.call("GET", door.opened(), headers={"Idempotency-Key": "not a key"})

    assert answer.status_code == 200


@pytest.mark.parametrize("endpoint", [name for name, route in ROUTES.items() if route.number == 0])
def test_the_document_tells_of_keys_where_they_have_a_meaning(endpoint: str) -> None:
    route = ROUTES[endpoint]
    operation = OPERATIONS[route.method.name][2]
    headers = [p["name"] for p in operation["parameters"] if p["in"] == "header"]

    assert ("Idempotency-Key" in headers) == takes_key(route)
    assert ("422" in operation["responses"]) == takes_key(route)
    assert ("Idempotency-Replayed" in operation["responses"]["200"]["headers"]) == takes_key(route)
    assert takes_key(route) <= ("409" in operation["responses"])

"""A key in clear goes to the one who asked for it, and is kept nowhere on the way."""

from __future__ import annotations

from services.gateway.tests.door import Door, refused


def test_a_revealed_key_is_not_kept_by_anybody_in_between(door: Door) -> None:
    key = f"{door.opened()}/keys/rest-password-test"
    answer = door.call("POST", f"{key}:reveal", json={})

    assert answer.status_code == 200
    assert answer.get_json()["value"].startswith("testpassword_")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "ETag" not in answer.headers


def test_no_other_method_tells_the_value(door: Door) -> None:
    shop = door.opened()
    value = door.call("POST", f"{shop}/keys/hmac-test:reveal", json={}).get_json()["value"]
    key = f"{shop}/keys/hmac-test"
    reads = (f"{shop}/keys", key, f"{key}/uses", f"{shop}/changes", f"{shop}/changes:export")
    before = [door.call("GET", path) for path in reads]
    rotated = door.call("POST", f"{key}:regenerate", json={"overlap": "3600s"})
    answers = [*before, rotated, *(door.call("GET", path) for path in reads)]

    assert [answer.status_code for answer in answers] == [200] * len(answers)
    assert [answer.text for answer in answers if value in answer.text] == []


def test_a_session_that_was_proved_long_ago_reveals_nothing(door: Door) -> None:
    answer = door.call(
        "POST", f"{door.opened()}/keys/form-test:reveal", token=door.mint.token(auth_time=1), json={}
    )

    refused(answer, 401, "INSUFFICIENT_USER_AUTHENTICATION")

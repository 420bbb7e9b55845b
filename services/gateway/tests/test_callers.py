"""Who calls: tokens, rights, scopes, proofs, other companies."""

from __future__ import annotations

from typing import Any

import pytest

from services.gateway.app import create_front
from services.gateway.backend import Backend
from services.gateway.config import GatewaySettings
from services.gateway.tests.door import Door, refused
from services.gateway.tests.entrance import entrance


def test_nobody_is_asked_for_a_token_before_anything_is_read(door: Door) -> None:
    answer = door.call("PATCH", door.opened(), token=None, data=b"{", content_type="text/plain")

    refused(answer, 401, "TOKEN_MISSING")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="comptoir"'


@pytest.mark.parametrize("header", ["Basic YTpi", "Bearer", "Bearer a b", "Bearer é", ""])
def test_what_is_no_bearer_token_is_refused(door: Door, header: str) -> None:
    answer = door.call("GET", door.opened(), token=None, headers={"Authorization": header})

    refused(answer, 401, "TOKEN_INVALID")
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


def test_forged_and_expired_tokens_are_refused(door: Door) -> None:
    shop = door.opened()
    refused(door.call("GET", shop, token=door.mint.token() + "x"), 401, "TOKEN_INVALID")
    refused(door.call("GET", shop, token=door.mint.token(header={"kid": "../../key"})), 401, "TOKEN_INVALID")
    refused(door.call("GET", shop, token=door.mint.token(iss="https://evil.example")), 401, "TOKEN_INVALID")
    refused(door.call("GET", shop, token=door.mint.token(iat=1, exp=2, auth_time=1)), 401, "TOKEN_EXPIRED")


def test_a_missing_right_is_named_before_any_rule(door: Door) -> None:
    answer = door.call("PATCH", door.opened(), token=door.mint.token(role="reader"), json={"nope": 1})
    problem = refused(answer, 403, "PERMISSION_DENIED")

    assert problem["permission"] == "shop.settings.update"
    assert "violations" not in problem


def test_a_missing_scope_is_named(door: Door) -> None:
    answer = door.call("GET", door.opened(), token=door.mint.token(scope="openid inbox"))

    assert refused(answer, 403, "INSUFFICIENT_SCOPE")["scope"] == "shop.read"
    assert 'error="insufficient_scope", scope="shop.read"' in answer.headers["WWW-Authenticate"]


def test_an_old_proof_is_asked_for_again(door: Door) -> None:
    token = door.mint.operator(auth_time=1)
    path = f"{door.opened()}/keys/hmac-test:import"
    answer = door.call("POST", path, token=token, json={"value": "38453613e7f44dc58732bad3dca2bca3"})

    assert refused(answer, 401, "INSUFFICIENT_USER_AUTHENTICATION")["max_age"] == "300"
    assert 'max_age="300"' in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize(
    ("verb", "suffix", "body"),
    [
        ("GET", "", None),
        ("PATCH", "", {"displayName": "stolen"}),
        ("PATCH", "", {"nope": 1}),
        ("GET", "/keys", None),
        ("GET", "/keys/form-test", None),
        ("POST", "/keys/form-test:regenerate", {}),
        ("POST", "/keys/form-production:generate", {}),
        ("POST", "/keys/form-test:extendOverlap", {"expireTime": "2027-01-01T00:00:00Z"}),
        ("POST", "/keys/form-test:finishOverlap", {}),
        ("POST", "/keys/form-test:undoRotation", {}),
        ("POST", "/keys/form-test:scheduleExpiry", {}),
        ("POST", "/keys/form-test:reveal", {}),
        ("GET", "/keys/form-test/uses", None),
        ("GET", "/goLive", None),
        ("POST", ":verifyForm", {"fields": {"vads_ctx_mode": "TEST"}, "signature": "x"}),
        ("POST", ":verifyAnswer", {"krAnswer": "x", "krHash": "x", "krHashKey": "password"}),
        ("GET", "/logo", None),
        ("DELETE", "/logo", None),
    ],
)
def test_another_companys_shop_is_answered_like_one_that_never_existed(
    door: Door, verb: str, suffix: str, body: Any
) -> None:
    theirs, never = door.opened("victim"), "/v1/companies/victim/shops/00000000"
    answers = []
    for shop in (theirs, never):
        answer = (
            door.call(verb, shop + suffix, json=body) if body is not None else door.call(verb, shop + suffix)
        )
        text = answer.text.replace(shop.rpartition("/")[2], "SHOP")
        answers.append((answer.status_code, text.replace(answer.headers["X-Request-Id"], "ID")))

    assert answers[0] == answers[1]
    assert answers[0][0] == 404


def test_the_wildcard_is_not_for_people(door: Door) -> None:
    shop = door.opened().rpartition("/")[2]
    for token in (door.mint.token(), door.mint.operator()):
        refused(door.call("GET", f"/v1/companies/-/shops/{shop}", token=token), 404, "NOT_FOUND")


def test_a_token_of_some_shops_does_not_reach_the_others(door: Door) -> None:
    shop, other = door.opened(), door.opened()
    token = door.mint.token(shops=[shop.rpartition("/")[2]])

    assert door.call("GET", shop, token=token).status_code == 200
    refused(door.call("GET", other, token=token), 404, "NOT_FOUND")


def test_a_service_that_is_away_is_said_to_be(door: Door) -> None:
    answer = door.call("GET", "/v1/companies/acme")

    problem = refused(answer, 503, "UNAVAILABLE")
    assert answer.headers["Retry-After"] == "1"
    assert "127.0.0.1" not in str(problem)


def test_haste_is_answered_with_when_to_come_back(door: Door, settings: GatewaySettings) -> None:
    slow = settings.model_copy(update={"rate_per_second": 0.1, "rate_burst": 2})
    backend = Backend(slow.addresses, slow.tls_directory)
    headers = {"Authorization": f"Bearer {door.mint.token()}"}
    with entrance(create_front(slow, backend, find_key=door.mint.find)) as client:
        answers = [client.get("/v1/companies/victim", headers=headers) for _ in range(3)]

    refused(answers[1], 404, "NOT_FOUND")
    assert refused(answers[2], 429, "RATE_LIMITED")["retry_after"] > 1
    assert answers[2].headers["RateLimit"].startswith('"requests";r=0;')
    assert int(answers[2].headers["Retry-After"]) > 1


def test_requests_left_are_told(door: Door) -> None:
    answer = door.call("GET", door.opened())

    assert answer.headers["RateLimit-Policy"] == '"requests";q=10000;w=20'
    assert answer.headers["RateLimit"].startswith('"requests";r=9')

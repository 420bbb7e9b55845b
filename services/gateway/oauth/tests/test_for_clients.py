"""Whatever goes wrong where applications ask by themselves is told in the form that they read (RFC 6749 5.2)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from werkzeug.test import TestResponse

from services.gateway.oauth.tests.conftest import Gateway
from services.identity.tests.acts import REDIRECT, SECRET

PATHS = ("/oauth2/token", "/oauth2/revoke", "/oauth2/introspect", "/oauth2/par")
_FORM = {
    "client_id": "backoffice",
    "token": "x",
    "grant_type": "refresh_token",
    "refresh_token": "x",
    "response_type": "code",
    "redirect_uri": "https://app.example/cb",
    "code_challenge": "x" * 43,
    "code_challenge_method": "S256",
}


def told(answer: TestResponse) -> tuple[int, str]:
    assert answer.content_type == "application/json", answer.text
    assert answer.get_json()["error_description"]
    return answer.status_code, answer.get_json()["error"]


@pytest.mark.parametrize("path", PATHS)
def test_identity_is_away(start: Callable[..., Gateway], path: str) -> None:
    answer = start(online=False).browser().post(path, _FORM)

    assert told(answer) == (503, "temporarily_unavailable")


@pytest.mark.parametrize("path", PATHS)
def test_the_request_is_none(gateway: Gateway, path: str) -> None:
    browser, client = gateway.browser(), gateway.app.test_client()

    assert told(client.put(path)) == (405, "invalid_request")
    assert told(browser.post(path, {**_FORM, "state": "x" * 70_000})) == (413, "invalid_request")


@pytest.mark.parametrize("asked", ["password", "a secret in the wrong field", '"é'])
def test_another_grant_is_refused_and_not_repeated(gateway: Gateway, asked: str) -> None:
    answer = gateway.browser().post("/oauth2/token", {**_FORM, "grant_type": asked})

    assert told(answer) == (400, "unsupported_grant_type")
    assert "client_credentials" in answer.get_json()["error_description"]
    assert asked not in answer.text


def test_a_grant_that_the_application_has_not_registered_is_explained(gateway: Gateway) -> None:
    client_id = gateway.application(grant_types=["authorization_code"])
    answer = gateway.browser().post("/oauth2/token", {**_FORM, "client_id": client_id})

    assert told(answer) == (400, "unauthorized_client")


def test_a_pushed_request_of_another_response_type_is_explained(gateway: Gateway) -> None:
    form = {**_FORM, "client_id": gateway.application(), "redirect_uri": REDIRECT, "response_type": "token"}

    assert told(gateway.browser().post("/oauth2/par", form)) == (400, "unsupported_response_type")


def test_a_token_longer_than_any_is_unknown_like_another(gateway: Gateway) -> None:
    client_id = gateway.acts.client(secret=SECRET).client_id
    browser, form = (
        gateway.browser(),
        {"client_id": client_id, "client_secret": SECRET, "token": "x" * 20_000},
    )

    assert browser.post("/oauth2/revoke", form).status_code == 200
    assert browser.post("/oauth2/introspect", form).get_json() == {"active": False}
    assert told(browser.post("/oauth2/revoke", {**form, "client_id": "nobody"})) == (401, "invalid_client")

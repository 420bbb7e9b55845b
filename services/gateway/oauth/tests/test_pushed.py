"""Pushed authorization requests (RFC 9126): for their client, once, within a minute, and unaltered."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from werkzeug.test import TestResponse

from services.gateway.oauth.places import AUTHORIZE, with_query
from services.gateway.oauth.pushed import BURST
from services.gateway.oauth.tests.browser import answer_in
from services.gateway.oauth.tests.conftest import Gateway, Request
from services.identity.tests.acts import PASSWORD, SECRET, at_once
from services.identity.tests.registering import registrant


def push(gateway: Gateway, asked: Request, **form: str) -> TestResponse:
    parameters = dict(parse_qsl(urlsplit(asked.path).query))
    return gateway.browser().post("/oauth2/par", {**parameters, **form})


def address(client_id: str, answer: TestResponse) -> str:
    assert answer.status_code == 201, answer.text
    return with_query(
        AUTHORIZE, [("client_id", client_id), ("request_uri", answer.get_json()["request_uri"])]
    )


def test_a_pushed_request_leads_through_sign_in_and_consent_to_a_code(gateway: Gateway) -> None:
    client, login = gateway.application(), gateway.member()
    answer = push(gateway, Request(client).but(login_hint=login))
    browser = gateway.browser()
    sign_in = browser.open(address(client, answer))
    page = browser.submit(sign_in, login=login, password=PASSWORD)
    back = answer_in(browser.submit(page, decision="allow"))

    assert f'value="{login}"' in sign_in.text
    assert "form-action 'self' https://app.example" in sign_in.headers["Content-Security-Policy"]
    assert answer.get_json()["expires_in"] == 60
    assert answer.headers["Cache-Control"] == "no-store"
    assert back["state"] == "état & more"
    assert gateway.redeem(client, back["code"])["id_token"]


def test_of_twenty_browsers_with_one_request_uri_one_gets_on(gateway: Gateway) -> None:
    client, login = gateway.application(), gateway.member()
    browser = gateway.signed_in(login)
    browser.submit(browser.open(Request(client).path), decision="allow")
    path = address(client, push(gateway, Request(client)))
    browsers = [gateway.browser() for _ in range(20)]

    answers = at_once(20, lambda: browsers.pop().get(path).status_code)

    assert sorted(str(each) for each in answers) == ["303"] + ["400"] * 19


def test_a_request_uri_is_its_clients_and_lives_a_minute(gateway: Gateway) -> None:
    client, other = gateway.application(), gateway.application()
    mine = push(gateway, Request(client))

    assert gateway.browser().get(address(other, mine)).status_code == 400
    assert gateway.browser().get(address(client, mine)).status_code == 303
    with gateway.past.since(seconds=61):
        old = push(gateway, Request(client))
    assert gateway.browser().get(address(client, old)).status_code == 400
    assert gateway.browser().get(f"{AUTHORIZE}?client_id={client}&pushed=forged").status_code == 400


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"redirect_uri": "https://evil.example/callback"}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"scope": "nonsense"}, "invalid_scope"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"client_id": "nobody"}, "invalid_client"),
        ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, "invalid_request"),
    ],
)
def test_what_is_wrong_is_told_at_once_and_to_the_application_alone(
    gateway: Gateway, changes: dict[str, Any], error: str
) -> None:
    answer = push(gateway, Request(gateway.application()).but(**changes))

    assert (answer.status_code // 100, answer.get_json()["error"]) == (4, error)
    assert "Location" not in answer.headers


def test_one_source_pushes_so_much_and_no_more(gateway: Gateway) -> None:
    client = gateway.app.test_client()

    def pushes(source: str, times: int) -> list[TestResponse]:
        return [client.post("/oauth2/par", environ_base={"REMOTE_ADDR": source}) for _ in range(times)]

    refused = [answer for answer in pushes("2001:db8:9::1", BURST + 100) if answer.status_code == 429]
    (neighbour,) = pushes("2001:db8:9:1::1", 1)

    assert refused[0].get_json()["error"] == "temporarily_unavailable"
    assert int(refused[0].headers["Retry-After"]) >= 1
    assert neighbour.status_code == 401


def test_a_confidential_client_proves_who_it_is_and_its_proof_is_not_kept(gateway: Gateway) -> None:
    client = gateway.acts.client(secret=SECRET, scopes=["openid", "profile", "email", "account", "shop"])
    request = Request(client.client_id)

    assert push(gateway, request).get_json()["error"] == "invalid_client"
    path = address(client.client_id, push(gateway, request, client_secret=SECRET))
    assert SECRET not in gateway.browser().get(path).location


def test_an_application_that_must_push_cannot_ask_by_the_address(gateway: Gateway) -> None:
    owner = registrant(gateway.acts)
    made = owner.register(require_pushed_requests=True)
    shown, asked = owner.secret(made.name), Request(made.client_id).but(scope="shop.read")
    plain = gateway.browser().get(asked.path)
    pushed = push(gateway, asked, client_secret=shown.client_secret)

    assert answer_in(plain)["error"] == "invalid_request"
    assert (
        "/sign-in"
        in gateway.browser().get(gateway.browser().get(address(made.client_id, pushed)).location).location
    )

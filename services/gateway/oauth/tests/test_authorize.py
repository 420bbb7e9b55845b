"""The authorization endpoint: who may be sent where, and which requests are refused (RFC 6749 4.1, OIDC Core 3.1.2)."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

import pytest

from services.gateway.oauth.places import AUTHORIZE
from services.gateway.oauth.tests.browser import answer_in
from services.gateway.oauth.tests.conftest import Gateway, Request, error_in
from services.identity.tests.acts import REDIRECT, SECRET

BROKEN: tuple[dict[str, str], ...] = (
    {},
    {"response_type": "token"},
    {"scope": "\"'"},
    {"prompt": "none"},
    {"client_id": "no"},
)


@pytest.fixture(scope="module")
def client_id(gateway: Gateway) -> str:
    """An application of somebody else's."""
    return gateway.application()


@pytest.fixture(scope="module")
def confidential_id(gateway: Gateway) -> str:
    """One that has a secret: no rule is looser for it."""
    return gateway.application(secret=SECRET)


@pytest.mark.parametrize(
    "uri",
    [
        None,
        "",
        "https://attacker.example/",
        f"{REDIRECT}/",
        f"{REDIRECT}?x=1",
        f"{REDIRECT}#",
        "https://app.example:443/callback",
        "HTTPS://app.example/callback",
        "https://app.example/call%62ack",
        "https://app.example@attacker.example/callback",
        'https://app.example/"é\r\nX: y',
        "javascript:alert(1)",
    ],
)
def test_no_error_ever_redirects_to_an_unregistered_place(
    gateway: Gateway, client_id: str, uri: str | None
) -> None:
    for changes in BROKEN:
        response = gateway.browser().get(Request(client_id).but(**{"redirect_uri": uri, **changes}).path)

        assert response.status_code == 400
        assert "Location" not in response.headers
        assert "http-equiv" not in response.text
        assert not re.search('(href|action|src)="(?![/#])', response.text)


def test_an_unknown_application_is_told_so_on_a_page(gateway: Gateway) -> None:
    for client_id in (None, "nobody", "n" * 200, "<script>"):
        response = gateway.browser().get(Request("").but(client_id=client_id).path)

        assert response.status_code == 400
        assert "Location" not in response.headers
        assert "<script" not in response.text


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_type": '"é'}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge": "~" * 43}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": "s256"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "platform"}, "invalid_scope"),
        ({"scope": "unheard-of"}, "invalid_scope"),
        ({"request": "x"}, "request_not_supported"),
        ({"request_uri": "https://x.example"}, "request_uri_not_supported"),
        ({"registration": "{}"}, "registration_not_supported"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "create"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"nonce": "n" * 257}, "invalid_request"),
        ({"prompt": "none"}, "login_required"),
    ],
)
def test_a_broken_rule_is_told_to_the_application(
    gateway: Gateway, client_id: str, confidential_id: str, changes: dict[str, str | None], error: str
) -> None:
    for asking in (client_id, confidential_id):
        assert error_in(gateway.browser().get(Request(asking).but(**changes).path)) == error


@pytest.mark.parametrize("asked", ["token", "code id_token", '"é\\'])
def test_another_response_type_is_refused_and_not_repeated(
    gateway: Gateway, client_id: str, asked: str
) -> None:
    answer = answer_in(gateway.browser().get(Request(client_id).but(response_type=asked).path))

    assert (answer["error"], answer["error_description"]) == (
        "unsupported_response_type",
        "The only response_type is code.",
    )


def test_what_is_missing_is_said_to_be(gateway: Gateway, client_id: str) -> None:
    nobody = gateway.browser().get(Request("").but(client_id=None).path)
    nowhere = gateway.browser().get(Request(client_id).but(redirect_uri=None).path)

    assert "client_id is missing." in nobody.text
    assert "redirect_uri is missing." in nowhere.text


def test_a_repeated_parameter_is_refused(gateway: Gateway) -> None:
    path = Request(gateway.application()).path

    assert error_in(gateway.browser().get(f"{path}&nonce=again")) == "invalid_request"
    assert gateway.browser().get(f"{path}&redirect_uri=https%3A%2F%2Fattacker.example").status_code == 400


def test_a_request_by_form_becomes_one_by_link(gateway: Gateway) -> None:
    path = Request(gateway.application()).path

    response = gateway.browser().post(AUTHORIZE, dict(parse_qsl(urlsplit(path).query)))

    assert (303, path) == (response.status_code, response.location)


def test_the_answer_keeps_every_byte_of_the_redirect_uri(gateway: Gateway) -> None:
    uri = "https://app.example/cb;p?flag&x=%7e+1"
    client_id = gateway.application(redirect_uris=[uri])

    response = gateway.browser().get(Request(client_id).but(redirect_uri=uri, prompt="none").path)

    assert response.location.startswith(f"{uri}&error=login_required&")

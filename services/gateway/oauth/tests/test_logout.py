"""Logging out (RP-Initiated Logout 1.0): nobody is logged out by a mere link, nobody is sent to a strange place."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from services.chassis.testing.tokens import ISSUER
from services.gateway.oauth.tests.browser import Browser, answer_in, form_of
from services.gateway.oauth.tests.conftest import Gateway, Request
from services.identity.tests.acts import REDIRECT


def logout(**parameters: str) -> str:
    return f"/oauth2/logout?{urlencode(parameters)}"


@pytest.fixture
def client_id(gateway: Gateway) -> str:
    return gateway.application(first_party=True)


@pytest.fixture
def browser(gateway: Gateway) -> Browser:
    return gateway.signed_in(gateway.member())


@pytest.fixture
def hint(gateway: Gateway, browser: Browser, client_id: str) -> str:
    """The browser's person, in an ID token of the application."""
    return gateway.redeem(client_id, answer_in(browser.get(Request(client_id).path))["code"])["id_token"]


def is_signed_in(browser: Browser) -> bool:
    return browser.get("/signed-in").status_code == 200


def test_an_id_token_logs_its_person_out_and_leads_back(browser: Browser, hint: str) -> None:
    token = browser.cookie("__Host-session")

    answer = browser.get(logout(id_token_hint=hint, post_logout_redirect_uri=REDIRECT, state="a b"))
    browser.plant("__Host-session", token)

    assert (answer.status_code, answer.location) == (303, f"{REDIRECT}?state=a+b")
    assert "__Host-session=;" in " ".join(answer.headers.getlist("Set-Cookie"))
    assert not is_signed_in(browser)


def test_refresh_tokens_of_the_session_end_with_it(
    gateway: Gateway, browser: Browser, client_id: str
) -> None:
    tokens = gateway.redeem(client_id, answer_in(browser.get(Request(client_id).path))["code"])
    browser.get(logout(id_token_hint=tokens["id_token"]))

    form = {"grant_type": "refresh_token", "client_id": client_id, "refresh_token": tokens["refresh_token"]}
    assert gateway.browser().post("/oauth2/token", form).get_json()["error"] == "invalid_grant"


def test_without_an_id_token_the_person_is_asked(browser: Browser, client_id: str) -> None:
    page = browser.get(logout(client_id=client_id, post_logout_redirect_uri=REDIRECT))

    assert page.status_code == 200
    assert is_signed_in(browser)
    assert browser.submit(page).location == REDIRECT
    assert not is_signed_in(browser)


def test_somebody_elses_id_token_does_not_log_out(gateway: Gateway, browser: Browser, hint: str) -> None:
    other = gateway.signed_in(gateway.member())

    assert other.get(logout(id_token_hint=hint)).status_code == 200
    assert is_signed_in(other)


def test_an_access_token_is_no_hint(gateway: Gateway, browser: Browser, client_id: str) -> None:
    tokens = gateway.redeem(client_id, answer_in(browser.get(Request(client_id).path))["code"])

    browser.get(logout(id_token_hint=tokens["access_token"]))

    assert is_signed_in(browser)


@pytest.mark.parametrize(
    "uri",
    ["https://attacker.example/", f"{REDIRECT}/", f"{REDIRECT}#x", "//attacker.example", "javascript:1"],
)
def test_an_unregistered_address_is_never_gone_to(browser: Browser, hint: str, uri: str) -> None:
    answer = browser.get(logout(id_token_hint=hint, post_logout_redirect_uri=uri))

    assert answer.status_code == 200
    assert "Location" not in answer.headers
    assert "La session est fermée" in answer.text


def test_errors_in_the_request_leave_no_redirect(
    gateway: Gateway, browser: Browser, client_id: str, hint: str
) -> None:
    other, uri = gateway.application(), {"post_logout_redirect_uri": REDIRECT}
    for address in (
        logout(id_token_hint="forged", client_id=client_id, **uri),
        logout(id_token_hint=hint, client_id=other, **uri),
        logout(**uri),
        f"{logout(client_id=client_id, **uri)}&state=1&state=2",
    ):
        answer = browser.submit(browser.get(address)) if is_signed_in(browser) else browser.get(address)
        assert answer.status_code == 200, address
        assert "Location" not in answer.headers


def test_a_request_by_form_becomes_one_by_link(browser: Browser, client_id: str) -> None:
    answer = browser.post("/oauth2/logout", {"client_id": client_id})

    assert (answer.status_code, answer.location) == (303, logout(client_id=client_id))


def test_a_confirmation_from_another_site_logs_nobody_out(browser: Browser) -> None:
    form = form_of(browser.get("/oauth2/logout"))

    foreign = browser.post(form.action, form.values, Origin="https://attacker.example")
    forged = browser.post(form.action, {"csrf_token": "x"}, Origin=ISSUER)

    assert [foreign.status_code, forged.status_code] == [403, 422]
    assert is_signed_in(browser)


def test_the_page_that_leads_on_takes_the_session_away_too(browser: Browser, hint: str) -> None:
    address = logout(id_token_hint=hint, post_logout_redirect_uri=REDIRECT)

    page = browser.get(address, **{"Sec-Fetch-Site": "same-origin"})

    assert f'url={REDIRECT}"' in page.text
    assert browser.cookie("__Host-session") == ""

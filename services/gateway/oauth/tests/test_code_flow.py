"""The whole way of an application: sign-in, consent, code, tokens, refresh, userinfo, revocation (GW1)."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote_plus

import pytest
from werkzeug.test import TestResponse

from services.chassis.testing.tokens import ISSUER
from services.gateway.oauth.tests.browser import Browser, answer_in
from services.gateway.oauth.tests.conftest import Gateway, Request
from services.identity.tests.acts import PASSWORD, REDIRECT, SECRET, VERIFIER

TOKEN, REVOKE, USERINFO = "/oauth2/token", "/oauth2/revoke", "/oauth2/userinfo"


def code_for(gateway: Gateway, client_id: str, login: str, **changes: str | None) -> str:
    """A code, got as a person gets one for an application."""
    browser = gateway.browser()
    page = browser.open(Request(client_id).but(**changes).path)
    page = browser.submit(page, login=login, password=PASSWORD)
    return answer_in(page if page.status_code == 303 else browser.submit(page, decision="allow"))["code"]


def redeem(gateway: Gateway, client_id: str, code: str, **changes: str) -> TestResponse:
    form = {
        "grant_type": "authorization_code",
        "client_id": client_id,
        "code": code,
        "redirect_uri": REDIRECT,
        "code_verifier": VERIFIER,
        **changes,
    }
    return gateway.browser().post(TOKEN, form)


def refresh(gateway: Gateway, client_id: str, token: str, **changes: str) -> TestResponse:
    form = {"grant_type": "refresh_token", "client_id": client_id, "refresh_token": token, **changes}
    return gateway.browser().post(TOKEN, form)


def test_a_public_application_gets_tokens_refreshes_them_and_revokes_them(gateway: Gateway) -> None:
    client_id, login = gateway.application(), gateway.member()

    first = redeem(gateway, client_id, code_for(gateway, client_id, login))
    tokens = first.get_json()
    claims = gateway.acts.claims(tokens["id_token"])
    second = refresh(gateway, client_id, tokens["refresh_token"], scope="openid").get_json()
    revoked = gateway.browser().post(REVOKE, {"client_id": client_id, "token": second["refresh_token"]})
    refused = refresh(gateway, client_id, second["refresh_token"])

    assert "no-store" in first.headers["Cache-Control"]
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 300)
    assert {"openid", "profile", "email", "account", "shop"} == set(tokens["scope"].split())
    assert (ISSUER, client_id, "once") == (claims["iss"], claims["aud"], claims["nonce"])
    assert second["scope"] == "openid"
    assert (revoked.status_code, revoked.data) == (200, b"")
    assert (refused.status_code, refused.get_json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize("by_form", [True, False])
def test_a_confidential_application_proves_itself_by_basic_or_by_form(
    gateway: Gateway, by_form: bool
) -> None:
    client_id, login = gateway.application(secret=SECRET), gateway.member()
    pair = f"{quote_plus(client_id)}:{quote_plus(SECRET)}".encode()
    headers = {} if by_form else {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
    form = {
        "grant_type": "authorization_code",
        "code": code_for(gateway, client_id, login),
        "redirect_uri": REDIRECT,
        "code_verifier": VERIFIER,
        **({"client_id": client_id, "client_secret": SECRET} if by_form else {}),
    }

    answer = gateway.browser().post(TOKEN, form, **headers)
    without = redeem(gateway, client_id, code_for(gateway, client_id, login))

    assert answer.status_code == 200, answer.text
    assert (without.status_code, without.get_json()["error"]) == (401, "invalid_client")
    assert without.headers["WWW-Authenticate"].startswith("Basic realm=")


def test_of_twenty_parallel_redemptions_over_two_gateways_one_succeeds(
    gateway: Gateway, second_gateway: Gateway
) -> None:
    client_id, login = gateway.application(), gateway.member()
    code = code_for(gateway, client_id, login)

    with ThreadPoolExecutor(20) as pool:
        gateways = [gateway, second_gateway] * 10
        statuses = list(pool.map(lambda each: redeem(each, client_id, code).status_code, gateways))

    assert sorted(statuses) == [200] + [400] * 19


def test_a_code_is_bound_to_its_application_redirect_uri_and_verifier(gateway: Gateway) -> None:
    client_id, other, login = gateway.application(), gateway.application(), gateway.member()
    for client, changes in (
        (other, {}),
        (client_id, {"redirect_uri": "https://app.example/other"}),
        (client_id, {"code_verifier": "x" * 43}),
    ):
        answer = redeem(gateway, client, code_for(gateway, client_id, login), **changes)
        assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_grant"), changes


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "invalid_client"),
        ({"client_id": "nobody"}, "invalid_request"),
        ({"client_id": "nobody", "grant_type": "password"}, "unsupported_grant_type"),
        ({"client_id": "nobody", "grant_type": "authorization_code"}, "invalid_request"),
        ({"client_id": "nobody", "grant_type": "refresh_token"}, "invalid_request"),
        ({"client_id": "nobody", "grant_type": "refresh_token", "refresh_token": "x"}, "invalid_client"),
        ({"client_id": "n" * 200, "grant_type": "refresh_token", "refresh_token": "x"}, "invalid_client"),
    ],
)
def test_refusals_of_the_token_endpoint_are_those_of_the_rfc(
    gateway: Gateway, form: dict[str, str], error: str
) -> None:
    answer = gateway.browser().post(TOKEN, form)

    assert error == answer.get_json()["error"]
    assert (401 if error == "invalid_client" else 400) == answer.status_code
    assert "no-store" in answer.headers["Cache-Control"]


def test_a_repeated_parameter_is_refused(gateway: Gateway) -> None:
    answer = gateway.app.test_client().post(
        TOKEN, data="grant_type=refresh_token&client_id=a&client_id=a&refresh_token=x", base_url=ISSUER,
        content_type="application/x-www-form-urlencoded",
    )  # fmt: skip

    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_request")


def test_parameters_in_the_address_do_not_count(gateway: Gateway) -> None:
    client_id, login = gateway.application(), gateway.member()
    code = code_for(gateway, client_id, login)

    answer = gateway.browser().post(
        f"{TOKEN}?code={code}&client_id={client_id}&redirect_uri={REDIRECT}&code_verifier={VERIFIER}",
        {"grant_type": "authorization_code"},
    )

    assert (answer.status_code, answer.get_json()["error"]) == (401, "invalid_client")


def test_a_token_request_costs_one_call_to_identity(gateway: Gateway) -> None:
    client_id, login = gateway.application(), gateway.member()
    code = code_for(gateway, client_id, login)
    before = gateway.calls.copy()

    tokens = redeem(gateway, client_id, code).get_json()
    refresh(gateway, client_id, tokens["refresh_token"])

    assert gateway.calls[len(before) :] == ["RedeemGrant", "RedeemGrant"]


def test_userinfo_tells_what_the_scopes_allow(gateway: Gateway) -> None:
    client_id, login = gateway.application(), gateway.member()
    told = {}
    for scope in ("openid", "openid profile", "openid email"):
        tokens = redeem(gateway, client_id, code_for(gateway, client_id, login, scope=scope)).get_json()
        answer = gateway.browser().get(USERINFO, Authorization=f"Bearer {tokens['access_token']}")
        told[scope] = answer.get_json()
        assert gateway.acts.claims(tokens["id_token"])["sub"] == told[scope].pop("sub")

    assert told["openid"] == {}
    assert {
        "name": "Ada Exemple",
        "given_name": "Ada",
        "family_name": "Exemple",
        "preferred_username": login,
        "locale": "fr",
        "zoneinfo": "Pacific/Noumea",
    } == told["openid profile"]
    assert told["openid email"] == {"email": "ada@halles.example", "email_verified": True}


def test_userinfo_refuses_what_is_no_access_token_for_it(gateway: Gateway) -> None:
    client_id, login = gateway.application(), gateway.member()
    tokens = redeem(gateway, client_id, code_for(gateway, client_id, login)).get_json()
    narrow = redeem(gateway, client_id, code_for(gateway, client_id, login, scope="shop")).get_json()

    def ask(authorization: str) -> tuple[int, str]:
        answer = gateway.browser().get(USERINFO, Authorization=authorization)
        return answer.status_code, answer.headers.get("WWW-Authenticate", "")

    assert gateway.browser().get(USERINFO).headers["WWW-Authenticate"] == 'Bearer realm="Comptoir"'
    for bad in ("Bearer x", "Basic eDp5", "Bearer", f"Bearer {tokens['id_token']}"):
        status, challenge = ask(bad)
        assert status == 401, bad
        assert 'error="invalid_token"' in challenge
    assert ask(f"Bearer {narrow['access_token']}")[0] == 403
    assert "id_token" not in narrow


def test_revocation_tells_a_stranger_nothing_and_leaves_the_token_alone(gateway: Gateway) -> None:
    client_id, other, login = gateway.application(), gateway.application(), gateway.member()
    token = redeem(gateway, client_id, code_for(gateway, client_id, login)).get_json()["refresh_token"]
    browser: Browser = gateway.browser()

    assert browser.post(REVOKE, {"client_id": other, "token": token}).status_code == 200
    assert browser.post(REVOKE, {"client_id": client_id, "token": "never was"}).status_code == 200
    assert browser.post(REVOKE, {"client_id": "nobody", "token": token}).status_code == 401
    assert browser.post(REVOKE, {"client_id": client_id}).get_json()["error"] == "invalid_request"
    assert refresh(gateway, client_id, token).status_code == 200

"""Applications of companies at the gateway's endpoints: consent, and tokens for themselves."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest
from joserfc.jwk import ECKey
from werkzeug.test import TestResponse

from comptoir.identity.v1 import application_pb2
from services.chassis.testing.tokens import ISSUER
from services.gateway.oauth.tests.browser import answer_in
from services.gateway.oauth.tests.conftest import Gateway, Request
from services.identity.tests.acts import PASSWORD
from services.identity.tests.registering import Registrant, jwks, registrant, signed

KEY = ECKey.generate_key("P-256", {"kid": "one"})
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@pytest.fixture(scope="module")
def owner(gateway: Gateway) -> Registrant:
    return registrant(gateway.acts)


def token(gateway: Gateway, form: dict[str, str], **headers: str) -> TestResponse:
    return gateway.browser().post("/oauth2/token", {"grant_type": "client_credentials", **form}, **headers)


def basic(client_id: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()


def test_an_application_gets_a_token_by_its_secret_in_the_header_or_in_the_form(
    gateway: Gateway, owner: Registrant
) -> None:
    shown = owner.secret(owner.register().name)
    by_header = token(
        gateway, {"scope": "shop.read"}, Authorization=basic(shown.client_id, shown.client_secret)
    )
    by_form = token(gateway, {"client_id": shown.client_id, "client_secret": shown.client_secret})

    assert by_header.get_json().keys() == {"access_token", "token_type", "expires_in", "scope"}
    assert (by_header.get_json()["scope"], by_form.get_json()["scope"]) == (
        "shop.read",
        "shop.read users.read",
    )
    assert by_form.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("form", "error", "status"),
    [
        ({"scope": "shop.keys.reveal"}, "invalid_scope", 400),
        ({"scope": "openid"}, "invalid_scope", 400),
        ({"client_secret": "wrong"}, "invalid_client", 401),
        ({"client_secret": ""}, "invalid_client", 401),
    ],
)
def test_a_refusal_is_told_in_the_words_of_the_standard(
    gateway: Gateway, owner: Registrant, form: dict[str, str], error: str, status: int
) -> None:
    shown = owner.secret(owner.register().name)
    refused = token(gateway, {"client_id": shown.client_id, "client_secret": shown.client_secret, **form})

    assert (refused.get_json()["error"], refused.status_code) == (error, status)


def test_an_application_signs_instead_of_showing_a_secret(gateway: Gateway, owner: Registrant) -> None:
    made = owner.register(
        client_authentication=application_pb2.CLIENT_AUTHENTICATION_PRIVATE_KEY, jwks=jwks(KEY)
    )

    def form(**changes: str) -> dict[str, str]:
        shown = signed(gateway.acts, made.client_id, KEY, time.time(), aud=f"{ISSUER}/oauth2/token")
        return {"client_assertion": shown.client_assertion, "client_assertion_type": ASSERTION, **changes}

    def error(given: dict[str, str], **headers: str) -> Any:
        return token(gateway, given, **headers).get_json().get("error")

    once = form()
    assert error(once) is None
    assert error(form(client_id=made.client_id)) is None
    assert error(once) == "invalid_client"
    assert error(form(client_id="another")) == "invalid_request"
    assert error(form(client_secret="x" * 40)) == "invalid_request"
    assert error(form(), Authorization=basic(made.client_id, "x" * 40)) == "invalid_request"
    assert error(form(client_assertion_type="jwt")) == "invalid_request"
    assert error(form(client_assertion="no.jwt")) == "invalid_client"
    assert error(form(client_assertion=f"e30.{_text([])}.AAAA")) == "invalid_client"
    assert error(form(client_assertion=f"e30.{_text({'sub': 'é'})}.AAAA")) == "invalid_client"


def test_the_consent_page_names_the_company_that_registered_the_application(
    gateway: Gateway, owner: Registrant
) -> None:
    made = owner.register()
    gateway.acts.place(gateway.acts.company(display_name="Elsewhere"), owner.person.name)
    browser = gateway.signed_in(owner.person.login)
    page = browser.open(Request(made.client_id).but(scope="openid shop.read").path)

    assert "Les Halles du Port" in page.text
    assert "Elsewhere" not in page.text
    answer = answer_in(browser.submit(page, decision="allow"))
    assert answer["code"]


def test_who_is_not_of_the_company_cannot_sign_in_to_its_application(
    gateway: Gateway, owner: Registrant
) -> None:
    made, stranger = owner.register(), gateway.signed_in(gateway.member())
    answer = stranger.open(Request(made.client_id).but(scope="openid shop.read").path)

    assert answer_in(answer)["error"] == "access_denied"
    assert PASSWORD not in answer.text


def _text(claims: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")

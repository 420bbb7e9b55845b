"""The authorization endpoint: who may be sent where, and what a person is asked (RFC 6749 4.1, OIDC Core 3.1.2)."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

import pytest
from werkzeug.test import TestResponse

from services.chassis.testing.tokens import ISSUER
from services.gateway.oauth.places import AUTHORIZE, CONSENT
from services.gateway.oauth.tests.browser import Browser, answer_in, form_of
from services.gateway.oauth.tests.conftest import Gateway, Request
from services.identity.oauth.codes import s256
from services.identity.tests.acts import PASSWORD, REDIRECT, SECRET, VERIFIER

BROKEN: tuple[dict[str, str], ...] = (
    {},
    {"response_type": "token"},
    {"scope": "\"'"},
    {"prompt": "none"},
    {"client_id": "no"},
)


def signed_in(gateway: Gateway, login: str) -> Browser:
    browser = gateway.browser()
    browser.submit(browser.get("/sign-in"), login=login, password=PASSWORD)
    return browser


@pytest.fixture(scope="module")
def client_id(gateway: Gateway) -> str:
    """An application of somebody else's."""
    return gateway.application()


@pytest.fixture(scope="module")
def confidential_id(gateway: Gateway) -> str:
    """One that has a secret: no rule is looser for it."""
    return gateway.application(secret=SECRET)


def error_in(response: TestResponse) -> str:
    """The error that goes to the application, with all that every authorization response must carry."""
    assert response.status_code == 303, response.text
    assert response.location.startswith(f"{REDIRECT}?")
    answer = answer_in(response)
    assert (answer["iss"], answer["state"]) == (ISSUER, "état & more")
    return answer["error"]


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


def test_consent_is_asked_once_for_the_same_scopes(gateway: Gateway) -> None:
    request, browser = Request(gateway.application()), signed_in(gateway, gateway.member())

    page = browser.open(request.path)
    first = answer_in(browser.submit(page, decision="allow"))
    second = answer_in(browser.get(request.path))
    wider = browser.get(request.but(scope="openid inbox").path)
    again = browser.get(request.but(prompt="consent").path)

    assert "Demonstration" in page.text
    assert first["code"] != second["code"]
    assert (second["iss"], second["state"]) == (ISSUER, "état & more")
    assert [wider.status_code, again.status_code] == [200, 200]
    assert error_in(browser.get(request.but(scope="openid inbox", prompt="none").path)) == "consent_required"


def test_a_refusal_reaches_the_application(gateway: Gateway) -> None:
    browser = signed_in(gateway, gateway.member())

    page = browser.open(Request(gateway.application()).path)

    assert error_in(browser.submit(page, decision="deny")) == "access_denied"


def test_an_application_of_the_platform_needs_no_consent(gateway: Gateway) -> None:
    client_id, login = gateway.application(first_party=True), gateway.member()

    response = signed_in(gateway, login).get(Request(client_id).but(prompt="none").path)

    assert "code" in answer_in(response)


def test_with_several_companies_the_person_chooses_one(gateway: Gateway) -> None:
    client_id, login = gateway.application(first_party=True), gateway.member(companies=2)
    request, browser = Request(client_id), signed_in(gateway, login)

    page = browser.open(request.path)
    companies = form_of(page).choices["company"]
    missing = browser.submit(page, decision="allow")
    foreign = browser.submit(page, decision="allow", company="companies/victim")
    code = answer_in(browser.submit(page, decision="allow", company=companies[1]))["code"]
    tokens = gateway.redeem(client_id, code)

    assert [missing.status_code, foreign.status_code] == [422, 422]
    assert "Choisissez une société." in missing.text
    assert companies[1].removeprefix("companies/") == gateway.acts.claims(tokens["access_token"])["company"]
    assert error_in(browser.get(request.but(prompt="none").path)) == "interaction_required"


def test_the_application_may_name_the_company(gateway: Gateway) -> None:
    client_id, login = gateway.application(first_party=True), gateway.member(companies=2)
    browser, request = signed_in(gateway, login), Request(client_id).but(prompt="none")
    wanted = form_of(browser.open(request.but(prompt=None).path)).choices["company"][1]

    code = answer_in(browser.get(request.but(company=wanted).path))["code"]

    claims = gateway.acts.claims(gateway.redeem(client_id, code)["access_token"])
    assert wanted == f"companies/{claims['company']}"
    theirs = gateway.acts.company()
    assert error_in(browser.get(request.but(company=theirs).path)) == "access_denied"
    assert error_in(browser.get(request.but(company="companies/never-was").path)) == "access_denied"


def test_staff_of_the_platform_choose_no_company(gateway: Gateway) -> None:
    client_id = gateway.application(first_party=True)
    browser = signed_in(gateway, gateway.acts.person(operator=True).login)

    code = answer_in(browser.get(Request(client_id).path))["code"]

    claims = gateway.acts.claims(gateway.redeem(client_id, code)["access_token"])
    assert (claims["role"], claims.get("company")) == ("operator", None)


def test_a_person_without_a_company_is_refused(gateway: Gateway) -> None:
    browser = signed_in(gateway, gateway.acts.person().login)

    assert error_in(browser.get(Request(gateway.application()).path)) == "access_denied"


@pytest.mark.parametrize("changes", [{"prompt": "login"}, {"prompt": "select_account"}, {"max_age": "0"}])
def test_a_fresh_sign_in_cannot_be_skipped_and_is_asked_once(
    gateway: Gateway, changes: dict[str, str]
) -> None:
    client_id, login = gateway.application(first_party=True), gateway.member()
    with gateway.past.since(seconds=30):
        browser = signed_in(gateway, login)

    asked = browser.get(Request(client_id).but(**changes).path)
    skipped = browser.get(form_of(browser.get(asked.location)).values["next"])
    done = browser.submit(browser.get(asked.location), login=login, password=PASSWORD)

    assert asked.location.startswith("/sign-in?")
    assert skipped.location.startswith("/sign-in?")
    assert "code" in answer_in(done)


def test_max_age_lets_a_recent_sign_in_count(gateway: Gateway) -> None:
    client_id = gateway.application(first_party=True)
    request = Request(client_id).but(prompt="none")
    with gateway.past.since(seconds=30):
        browser = signed_in(gateway, gateway.member())

    assert "code" in answer_in(browser.get(request.but(max_age="60").path))
    assert error_in(browser.get(request.but(max_age="20").path)) == "login_required"


def test_a_hint_about_somebody_else_asks_for_them_to_sign_in(gateway: Gateway) -> None:
    client_id, one, two = gateway.application(first_party=True), gateway.member(), gateway.member()
    request = Request(client_id).but(prompt="none")
    browser = signed_in(gateway, one)
    hint = gateway.redeem(client_id, answer_in(browser.get(request.path))["code"])["id_token"]

    assert "code" in answer_in(browser.get(request.but(id_token_hint=hint).path))
    assert error_in(signed_in(gateway, two).get(request.but(id_token_hint=hint).path)) == "login_required"
    assert error_in(browser.get(request.but(id_token_hint="forged").path)) == "login_required"


def test_a_decision_from_another_site_is_refused(gateway: Gateway) -> None:
    browser = signed_in(gateway, gateway.member())
    page = browser.open(Request(gateway.application()).path)
    form = form_of(page)

    foreign = browser.post(
        form.action, {**form.values, "decision": "allow"}, Origin="https://attacker.example"
    )
    nowhere = browser.post(form.action, {**form.values, "decision": "allow"}, Origin="null")
    unsigned = browser.post(form.action, {"decision": "allow"})
    borrowed = signed_in(gateway, gateway.member()).post(form.action, {**form.values, "decision": "allow"})

    assert [r.status_code for r in (foreign, nowhere, unsigned, borrowed)] == [403, 403, 422, 422]


def test_a_decision_after_the_session_ended_leads_back_to_sign_in(gateway: Gateway) -> None:
    browser = signed_in(gateway, gateway.member())
    page = browser.open(Request(gateway.application()).path)
    gateway.acts.end(browser.cookie("__Host-session"))

    response = browser.post(
        form_of(page).action, {**form_of(page).values, "decision": "allow"}, Origin=ISSUER
    )

    assert (response.status_code, urlsplit(response.location).path) == (303, "/sign-in")


def test_the_consent_page_lets_its_form_end_at_the_application_and_nowhere_else(gateway: Gateway) -> None:
    page = signed_in(gateway, gateway.member()).open(Request(gateway.application()).path)

    assert "form-action 'self' https://app.example;" in page.headers["Content-Security-Policy"]


def test_hostile_names_stay_text(gateway: Gateway) -> None:
    client_id = gateway.application(display_name="<img src=x onerror=alert(1)>{client}")
    path = Request(client_id).but(state='"><script>alert(1)</script>').path

    page = signed_in(gateway, gateway.member()).open(path)

    assert page.status_code == 200
    assert "<img src=x" not in page.text
    assert "<script" not in page.text


def test_consent_goes_with_the_request_in_the_address(gateway: Gateway) -> None:
    browser = signed_in(gateway, gateway.member())
    page = browser.open(Request(gateway.application()).path)
    other = Request(gateway.application()).but(redirect_uri="https://attacker.example/").path

    tampered = other.replace(AUTHORIZE, CONSENT)
    response = browser.post(tampered, {**form_of(page).values, "decision": "allow"}, Origin=ISSUER)

    assert response.status_code == 400
    assert s256(VERIFIER) in page.text

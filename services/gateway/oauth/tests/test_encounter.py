"""What a person is asked between an application's request and its answer (OIDC Core 3.1.2)."""

from __future__ import annotations

import html
import re
from urllib.parse import urlsplit

import pytest

from services.chassis.testing.tokens import ISSUER
from services.gateway.oauth.places import AUTHORIZE, CONSENT
from services.gateway.oauth.tests.browser import answer_in, form_of
from services.gateway.oauth.tests.conftest import Gateway, Request, error_in
from services.identity.oauth.codes import s256
from services.identity.tests.acts import PASSWORD, REDIRECT, VERIFIER


def test_consent_is_asked_once_for_the_same_scopes(gateway: Gateway) -> None:
    request, browser = Request(gateway.application()), gateway.signed_in(gateway.member())

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
    browser = gateway.signed_in(gateway.member())

    page = browser.open(Request(gateway.application()).path)

    assert error_in(browser.submit(page, decision="deny")) == "access_denied"


def test_an_application_of_the_platform_needs_no_consent(gateway: Gateway) -> None:
    client_id, login = gateway.application(first_party=True), gateway.member()

    response = gateway.signed_in(login).get(Request(client_id).but(prompt="none").path)

    assert "code" in answer_in(response)


def test_with_several_companies_the_person_chooses_one(gateway: Gateway) -> None:
    client_id, login = gateway.application(first_party=True), gateway.member(companies=2)
    request, browser = Request(client_id), gateway.signed_in(login)

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
    browser, request = gateway.signed_in(login), Request(client_id).but(prompt="none")
    wanted = form_of(browser.open(request.but(prompt=None).path)).choices["company"][1]

    code = answer_in(browser.get(request.but(company=wanted).path))["code"]

    claims = gateway.acts.claims(gateway.redeem(client_id, code)["access_token"])
    assert wanted == f"companies/{claims['company']}"
    theirs = gateway.acts.company()
    assert error_in(browser.get(request.but(company=theirs).path)) == "access_denied"
    assert error_in(browser.get(request.but(company="companies/never-was").path)) == "access_denied"


def test_staff_of_the_platform_choose_no_company(gateway: Gateway) -> None:
    client_id = gateway.application(first_party=True)
    browser = gateway.signed_in(gateway.acts.person(operator=True).login)

    code = answer_in(browser.get(Request(client_id).path))["code"]

    claims = gateway.acts.claims(gateway.redeem(client_id, code)["access_token"])
    assert (claims["role"], claims.get("company")) == ("operator", None)


def test_a_person_without_a_company_is_refused(gateway: Gateway) -> None:
    browser = gateway.signed_in(gateway.acts.person().login)

    assert error_in(browser.get(Request(gateway.application()).path)) == "access_denied"


@pytest.mark.parametrize("changes", [{"prompt": "login"}, {"prompt": "select_account"}, {"max_age": "0"}])
def test_a_fresh_sign_in_cannot_be_skipped_and_is_asked_once(
    gateway: Gateway, changes: dict[str, str]
) -> None:
    client_id, login = gateway.application(first_party=True), gateway.member()
    with gateway.past.since(seconds=30):
        browser = gateway.signed_in(login)

    asked = browser.get(Request(client_id).but(**changes).path)
    skipped = browser.get(form_of(browser.get(asked.location)).values["next"])
    done = browser.submit(browser.get(asked.location), login=login, password=PASSWORD)

    assert asked.location.startswith("/sign-in?")
    assert skipped.location.startswith("/sign-in?")
    assert "code" in answer_in(done)


def test_a_mark_is_good_in_one_browser_and_for_one_answer(gateway: Gateway) -> None:
    client_id, login = gateway.application(first_party=True), gateway.member()
    browser, other = gateway.signed_in(login), gateway.signed_in(login)
    asked = browser.get(Request(client_id).but(prompt="login").path)
    page = browser.get(asked.location)
    marked = form_of(page).values["next"]

    done = browser.submit(page, login=login, password=PASSWORD)
    elsewhere = other.submit(other.get("/sign-in"), login=login, password=PASSWORD)

    assert "code" in answer_in(done)
    assert elsewhere.status_code == 200
    assert [each.get(marked).location.partition("?")[0] for each in (browser, other)] == ["/sign-in"] * 2


def test_max_age_lets_a_recent_sign_in_count(gateway: Gateway) -> None:
    client_id = gateway.application(first_party=True)
    request = Request(client_id).but(prompt="none")
    with gateway.past.since(seconds=30):
        browser = gateway.signed_in(gateway.member())

    assert "code" in answer_in(browser.get(request.but(max_age="60").path))
    assert error_in(browser.get(request.but(max_age="20").path)) == "login_required"


def test_a_hint_about_somebody_else_asks_for_them_to_sign_in(gateway: Gateway) -> None:
    client_id, one, two = gateway.application(first_party=True), gateway.member(), gateway.member()
    request = Request(client_id).but(prompt="none")
    browser = gateway.signed_in(one)
    hint = gateway.redeem(client_id, answer_in(browser.get(request.path))["code"])["id_token"]

    assert "code" in answer_in(browser.get(request.but(id_token_hint=hint).path))
    assert error_in(gateway.signed_in(two).get(request.but(id_token_hint=hint).path)) == "login_required"
    assert error_in(browser.get(request.but(id_token_hint="forged").path)) == "login_required"


def test_a_decision_from_another_site_is_refused(gateway: Gateway) -> None:
    browser = gateway.signed_in(gateway.member())
    page = browser.open(Request(gateway.application()).path)
    form = form_of(page)

    foreign = browser.post(
        form.action, {**form.values, "decision": "allow"}, Origin="https://attacker.example"
    )
    nowhere = browser.post(form.action, {**form.values, "decision": "allow"}, Origin="null")
    unsigned = browser.post(form.action, {"decision": "allow"})
    borrowed = gateway.signed_in(gateway.member()).post(form.action, {**form.values, "decision": "allow"})

    assert [r.status_code for r in (foreign, nowhere, unsigned, borrowed)] == [403, 403, 422, 422]


def test_a_decision_after_the_session_ended_leads_back_to_sign_in(gateway: Gateway) -> None:
    browser = gateway.signed_in(gateway.member())
    page = browser.open(Request(gateway.application()).path)
    gateway.acts.end(browser.cookie("__Host-session"))

    response = browser.post(
        form_of(page).action, {**form_of(page).values, "decision": "allow"}, Origin=ISSUER
    )

    assert (response.status_code, urlsplit(response.location).path) == (303, "/sign-in")


def test_the_consent_page_lets_its_form_end_at_the_application_and_nowhere_else(gateway: Gateway) -> None:
    page = gateway.signed_in(gateway.member()).open(Request(gateway.application()).path)

    assert "form-action 'self' https://app.example;" in page.headers["Content-Security-Policy"]


def test_hostile_names_stay_text(gateway: Gateway) -> None:
    client_id = gateway.application(display_name="<img src=x onerror=alert(1)>{client}")
    path = Request(client_id).but(state='"><script>alert(1)</script>').path

    page = gateway.signed_in(gateway.member()).open(path)

    assert page.status_code == 200
    assert "<img src=x" not in page.text
    assert "<script" not in page.text


def test_consent_goes_with_the_request_in_the_address(gateway: Gateway) -> None:
    browser = gateway.signed_in(gateway.member())
    page = browser.open(Request(gateway.application()).path)
    other = Request(gateway.application()).but(redirect_uri="https://attacker.example/").path

    tampered = other.replace(AUTHORIZE, CONSENT)
    response = browser.post(tampered, {**form_of(page).values, "decision": "allow"}, Origin=ISSUER)

    assert response.status_code == 400
    assert s256(VERIFIER) in page.text


def test_a_browser_gets_a_page_that_leads_on_after_our_own_form(gateway: Gateway) -> None:
    client_id = gateway.application(first_party=True)
    browser, path = gateway.signed_in(gateway.member()), Request(client_id).path

    page = browser.get(path, **{"Sec-Fetch-Site": "same-origin"})
    direct = browser.get(path, **{"Sec-Fetch-Site": "cross-site"})
    onward = html.unescape(re.findall('http-equiv="refresh" content="0; url=([^"]*)"', page.text)[0])

    assert (page.status_code, direct.status_code) == (200, 303)
    assert onward.startswith(f"{REDIRECT}?code=")
    assert html.escape(onward) in re.findall('<a class="button" href="([^"]*)"', page.text)
    assert page.headers["Cache-Control"] == "no-store"
    assert "Location" not in page.headers


def test_an_application_with_a_scheme_of_its_own_is_opened_by_redirect(gateway: Gateway) -> None:
    uri = "com.example.app:/callback"
    client_id = gateway.application(first_party=True, redirect_uris=[uri])
    browser = gateway.signed_in(gateway.member())

    answer = browser.get(Request(client_id).but(redirect_uri=uri).path, **{"Sec-Fetch-Site": "same-origin"})

    assert answer.status_code == 303
    assert answer.location.startswith(f"{uri}?code=")

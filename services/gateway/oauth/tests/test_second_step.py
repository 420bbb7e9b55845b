"""Signing in with two factors, or with a passkey, at the pages (ID10); how applications ask for it (RFC 9470)."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from werkzeug.test import TestResponse

from services.chassis.testing.tokens import ISSUER
from services.gateway.oauth.places import CONSENT, with_query
from services.gateway.oauth.tests.browser import Browser, answer_in, form_of
from services.gateway.oauth.tests.conftest import Gateway, Request, error_in
from services.identity.tests.acts import PASSWORD
from services.identity.tests.authenticator import Authenticator
from services.identity.tests.proving import Person, somebody, with_totp
from services.look.languages import CODES

ONE, TWO = "urn:comptoir:acr:1fa", "urn:comptoir:acr:2fa"
ATTRIBUTES = {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"}


def challenged(gateway: Gateway, person: Person, path: str = "/sign-in") -> tuple[Browser, TestResponse]:
    """A browser that has sent the right password, and the page that it sees then."""
    browser = gateway.browser()
    return browser, browser.submit(browser.open(path), login=person.user.login, password=PASSWORD)


def options_in(page: TestResponse) -> str:
    """What the page's script asks the authenticator with."""
    found = re.search(r'data-options="([^"]*)"', page.text)
    assert found
    return found[1].replace("&#34;", '"')


def claims(gateway: Gateway, client_id: str, answer: TestResponse) -> dict[str, object]:
    tokens = gateway.redeem(client_id, answer_in(answer)["code"])
    return gateway.acts.claims(tokens["id_token"])


@pytest.fixture(scope="module")
def person(gateway: Gateway) -> Person:
    """With an authenticator application, ten recovery codes and a passkey."""
    found = with_totp(gateway.acts)
    found.add_passkey(Authenticator(ISSUER))
    return found


def test_the_password_leads_to_the_second_factor_and_opens_no_session(
    gateway: Gateway, person: Person
) -> None:
    browser = gateway.browser()
    form = form_of(browser.get("/sign-in?next=/help/faq"))
    typed = {**form.values, "login": person.user.login, "password": PASSWORD}
    answer = browser.post(form.action, typed, Origin=ISSUER)
    cookie = next(
        line for line in answer.headers.getlist("Set-Cookie") if line.startswith("__Host-challenge=")
    )

    assert (answer.status_code, answer.location) == (303, "/sign-in/second-step?next=%2Fhelp%2Ffaq")
    assert set(cookie.split("; ")[1:]) >= ATTRIBUTES
    assert browser.cookie("__Host-session") == ""
    assert browser.get("/signed-in").status_code == 303


def test_a_recovery_code_leads_on_to_where_the_browser_was_going(gateway: Gateway, person: Person) -> None:
    browser, page = challenged(gateway, person, "/sign-in?next=/help/faq")
    answer = browser.submit(page, recovery_code=person.codes.pop())

    assert answer.request.path == "/help/faq"
    assert browser.cookie("__Host-challenge") == ""
    assert browser.get("/signed-in").status_code == 200


def test_a_wrong_code_is_told_at_its_field_and_the_fifth_ends_the_step(
    gateway: Gateway, person: Person
) -> None:
    browser, page = challenged(gateway, person)
    for _ in range(4):
        page = browser.submit(page, code="000000")
        assert page.status_code == 422
    assert 'id="code-problem"' in page.text
    last = browser.submit(page, code="000000")
    late = browser.submit(page, recovery_code=person.codes[0])

    assert (last.status_code, late.status_code) == (422, 422)
    assert "<form" not in last.text + late.text
    assert browser.get("/signed-in").status_code == 303


def test_another_browser_has_nothing_to_answer(gateway: Gateway, person: Person) -> None:
    challenged(gateway, person)
    other = gateway.browser()
    form = form_of(other.get("/sign-in"))
    answer = other.post(
        "/sign-in/second-step", {**form.values, "recovery_code": person.codes[0]}, Origin=ISSUER
    )

    assert other.get("/sign-in/second-step").status_code == 303
    assert answer.status_code == 422
    assert other.cookie("__Host-session") == ""


def test_a_foreign_form_answers_nothing(gateway: Gateway, person: Person) -> None:
    browser, page = challenged(gateway, person)
    without = {**form_of(page).values, "csrf_token": "", "recovery_code": person.codes[0]}
    stale = browser.post("/sign-in/second-step", without, Origin=ISSUER)
    foreign = browser.post("/sign-in/second-step", without, Origin="https://elsewhere.example")

    assert (stale.status_code, foreign.status_code) == (422, 403)
    assert browser.get("/signed-in").status_code == 303


def test_a_passkey_answers_instead_of_a_code(gateway: Gateway, person: Person) -> None:
    browser, page = challenged(gateway, person)
    assert person.authenticator
    browser.submit(page, credential=person.authenticator.get(options_in(page)))

    assert browser.get("/signed-in").status_code == 200


def test_a_passkey_signs_in_without_a_password(gateway: Gateway, person: Person) -> None:
    browser, client_id = gateway.browser(), gateway.application()
    page = browser.open(Request(client_id).but(company=person.company).path)
    link = re.search(r'href="(/sign-in/passkey[^"]*)"', page.text)
    assert link
    page = browser.get(link[1].replace("&amp;", "&"))
    assert person.authenticator
    page = browser.submit(page, credential=person.authenticator.get(options_in(page)))
    said = claims(gateway, client_id, browser.submit(page, decision="allow"))

    assert (said["amr"], said["acr"]) == (["hwk", "user", "mfa"], TWO)


def test_what_is_no_passkey_opens_nothing(gateway: Gateway, person: Person) -> None:
    browser = gateway.browser()
    page = browser.get("/sign-in/passkey")
    forged = Authenticator(ISSUER, user_handle=person.user.name.removeprefix("users/").encode())
    for credential in ("", "{}", forged.get(options_in(page))):
        page = browser.submit(page, credential=credential)
        assert page.status_code == 422

    assert browser.get("/signed-in").status_code == 303


@pytest.mark.parametrize("code", CODES)
def test_the_step_speaks_the_languages(gateway: Gateway, person: Person, code: str) -> None:
    browser, _ = challenged(gateway, person)
    page = browser.get(f"/sign-in/second-step?lang={code}")

    assert f'<html lang="{code}">' in page.text
    assert "second_step." not in page.text


def test_only_pages_for_passkeys_run_a_script_and_only_a_file_of_ours(
    gateway: Gateway, person: Person
) -> None:
    _, step = challenged(gateway, person)
    for page in (gateway.browser().get("/sign-in/passkey"), step):
        policy = page.headers["Content-Security-Policy"]
        sources = re.findall(r'<script src="([^"]*)" defer></script>', page.text)
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert [urlsplit(source).path for source in sources] == ["/look/passkey.js"]
        assert page.text.count("<script") == 1
        assert not re.search(r"style=|\son\w+=|javascript:", page.text)

    served = gateway.browser().get("/look/passkey.js")
    assert served.mimetype in ("text/javascript", "application/javascript")


def test_a_client_obtains_a_fresh_proof_in_the_same_session(gateway: Gateway) -> None:
    with gateway.past.since(minutes=10):
        person = with_totp(gateway.acts)
        client_id = gateway.application()
        request = Request(client_id).but(company=person.company)
        browser, page = challenged(gateway, person, request.path)
        page = browser.submit(page, recovery_code=person.codes[0])
        first = claims(gateway, client_id, browser.submit(page, decision="allow"))
    page = browser.open(request.but(max_age="300", acr_values=TWO).path)
    assert form_of(page).action == "/sign-in"
    page = browser.submit(page, login=person.user.login, password=PASSWORD)
    assert form_of(page).action == "/sign-in/second-step"
    second = claims(gateway, client_id, browser.submit(page, recovery_code=person.codes[1]))

    assert second["sid"] == first["sid"]
    assert int(str(second["auth_time"])) >= int(str(first["auth_time"])) + 590
    assert second["acr"] == TWO


def test_acr_values_lead_to_a_factor_or_are_refused(gateway: Gateway) -> None:
    person = somebody(gateway.acts)
    browser, request = gateway.signed_in(person.user.login), Request(gateway.application())
    two = request.but(acr_values=TWO, company=person.company)

    assert error_in(browser.get(request.but(acr_values="urn:mace:incommon:iap:silver").path)) == (
        "unmet_authentication_requirements"
    )
    assert error_in(browser.get(two.but(prompt="none").path)) == "interaction_required"
    assert urlsplit(browser.get(two.path).location).path == "/sign-in/enrol"
    assert browser.get(two.but(acr_values=f"{TWO} {ONE}").path).status_code == 200


def test_consent_given_past_the_page_does_not_do_without_the_factor(gateway: Gateway) -> None:
    person = somebody(gateway.acts)
    browser, request = gateway.signed_in(person.user.login), Request(gateway.application())
    form = form_of(browser.get(request.but(company=person.company).path))
    action = with_query(
        CONSENT, parse_qsl(urlsplit(request.but(company=person.company, acr_values=TWO).path).query)
    )
    answer = browser.post(action, {**form.values, "decision": "allow"}, Origin=ISSUER)

    assert urlsplit(answer.location).path == "/sign-in/enrol"


def test_discovery_says_what_sign_ins_are_worth(gateway: Gateway) -> None:
    document = gateway.browser().get("/.well-known/openid-configuration").get_json()

    assert document["acr_values_supported"] == [ONE, TWO]
    assert {"acr", "amr", "auth_time"} <= set(document["claims_supported"])


def test_a_company_that_requires_a_factor_leads_to_adding_one(gateway: Gateway) -> None:
    person, client_id = somebody(gateway.acts), gateway.application(first_party=True)
    gateway.acts.identity.acquaintance.require_second_factor(person.company.removeprefix("companies/"))
    request, browser = Request(client_id).but(company=person.company), gateway.browser()
    assert error_in(gateway.signed_in(person.user.login).get(request.but(prompt="none").path)) == (
        "interaction_required"
    )
    page = browser.submit(browser.open(request.path), login=person.user.login, password=PASSWORD)
    secret = re.search(r"<code>([A-Z2-7]{32})</code>", page.text)
    assert secret
    assert "<svg" in page.text
    again = browser.submit(page, code="000000")
    assert again.status_code == 422
    assert secret[1] in again.text
    assert "Il faut plus qu&#39;un mot de passe pour continuer" in page.text
    person.secret = secret[1]
    page = browser.submit(again, code=person.code())
    codes = re.findall(r"<code>([a-z2-9-]{19})</code>", page.text)
    onward = re.search(r'class="button" href="(/oauth2/authorize[^"]*)"', page.text)
    assert onward
    said = claims(gateway, client_id, browser.get(onward[1].replace("&amp;", "&")))

    assert len(set(codes)) == 10
    assert (said["amr"], said["acr"]) == (["pwd", "otp", "mfa"], TWO)


def test_adding_the_first_factor_asks_for_a_sign_in_of_now(gateway: Gateway) -> None:
    person = somebody(gateway.acts)
    with gateway.past.since(minutes=6):
        browser = gateway.signed_in(person.user.login)
    answer = browser.get("/sign-in/enrol?next=/help/faq")

    assert urlsplit(answer.location).path == "/sign-in"
    assert parse_qs(urlsplit(answer.location).query)["next"] == ["/sign-in/enrol?next=%2Fhelp%2Ffaq"]
    assert gateway.browser().get("/sign-in/enrol").status_code == 303


@pytest.mark.parametrize("path", ["/sign-in/enrol", "/sign-in/enrol?next=/account/factors"])
def test_nobody_is_told_to_add_a_factor_who_wants_to(gateway: Gateway, path: str) -> None:
    page = gateway.signed_in(somebody(gateway.acts).user.login).get(path)

    assert (page.status_code, "Il faut plus" in page.text) == (200, False)


def test_the_page_adds_a_passkey_beside_an_application_and_no_second_application(
    gateway: Gateway, person: Person
) -> None:
    browser, page = challenged(gateway, person)
    browser.submit(page, recovery_code=person.codes.pop())
    page = browser.get("/sign-in/enrol?next=/help/faq")

    assert (page.status_code, 'data-passkey="create"' in page.text) == (200, True)
    assert "<code>" not in page.text
    assert "<svg" not in page.text

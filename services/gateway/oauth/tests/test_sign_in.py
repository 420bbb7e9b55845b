"""The sign-in page (ID1, ID3): nobody is told who exists, nobody is led astray, nobody keeps an old session token."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest

from services.chassis.testing.tokens import ISSUER
from services.gateway.oauth.tests.browser import form_of
from services.gateway.oauth.tests.conftest import Gateway, Request
from services.identity.tests.acts import PASSWORD

ATTRIBUTES = {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"}


def cookie_of(headers: list[str], name: str) -> set[str]:
    """Attributes with which the response sets the cookie."""
    return next(set(h.split("; ")[1:]) for h in headers if h.startswith(f"{name}="))


def test_signing_in_gives_the_browser_a_host_cookie_and_leads_on(gateway: Gateway) -> None:
    login, browser = gateway.member(), gateway.browser()
    page = browser.get("/sign-in")
    form = form_of(page)

    answer = browser.post(form.action, {**form.values, "login": login, "password": PASSWORD}, Origin=ISSUER)

    assert (answer.status_code, answer.location) == (303, "/signed-in")
    assert cookie_of(answer.headers.getlist("Set-Cookie"), "__Host-session") == ATTRIBUTES
    assert cookie_of(page.headers.getlist("Set-Cookie"), "__Host-csrf") == ATTRIBUTES
    assert "Ada Exemple" in browser.get("/signed-in").text


def test_a_session_token_that_was_planted_is_not_taken_over(gateway: Gateway) -> None:
    login, browser = gateway.member(), gateway.browser()
    browser.plant("__Host-session", "planted")
    browser.submit(browser.get("/sign-in"), login=login, password=PASSWORD)
    first = browser.cookie("__Host-session")
    browser.submit(browser.get("/sign-in"), login=login, password=PASSWORD)

    assert len({"planted", first, browser.cookie("__Host-session")}) == 3


def test_unknown_login_and_wrong_password_are_one_answer(gateway: Gateway) -> None:
    login, answers = gateway.member(), set()
    for tried in (login, "nobody-at-all", "n" * 200, "é\u0000"):
        browser = gateway.browser()
        answer = browser.submit(browser.get("/sign-in"), login=tried, password="not the password 1")
        text = re.sub(r'value="[^"]*"', "", answer.text)
        answers.add((answer.status_code, tuple(sorted(answer.headers.keys())), text))

    assert len(answers) == 1
    assert answers.pop()[0] == 422


def test_a_wrong_password_is_told_at_the_field_and_in_a_summary(gateway: Gateway) -> None:
    browser = gateway.browser()
    page = browser.submit(browser.get("/sign-in"), login="nobody-at-all", password="not the password 1")

    assert "<title>Erreur : Connexion au Back Office" in page.text
    assert 'role="alert"' in page.text
    assert '<a href="#login">Identifiant ou mot de passe incorrect.</a>' in page.text
    assert 'aria-describedby="login-problem"' in page.text
    assert "not the password 1" not in page.text


def test_empty_fields_are_named_without_asking_identity(gateway: Gateway) -> None:
    browser = gateway.browser()
    page, before = browser.get("/sign-in"), len(gateway.calls)

    answer = browser.submit(page, login="", password="")

    assert "Saisissez votre identifiant." in answer.text
    assert "Saisissez votre mot de passe." in answer.text
    assert len(gateway.calls) == before


def test_a_hint_fills_the_field_in_and_is_looked_up_nowhere(gateway: Gateway) -> None:
    browser, client_id = gateway.browser(), gateway.application()
    address = browser.get(Request(client_id).but(login_hint='"><b>x').path).location
    before = len(gateway.calls)

    page = browser.get(address)

    assert form_of(page).values["login"] == '"><b>x'
    assert gateway.calls[before:] == ["GetClient"]


@pytest.mark.parametrize(
    "onto",
    [
        "https://attacker.example/",
        "//attacker.example/",
        "/\\attacker.example/",
        "\\\\attacker.example",
        "/\t/attacker.example/",
        "/\n/attacker.example",
        "javascript:alert(1)",
        "sign-in",
        "/é",
        "",
    ],
)
def test_a_form_leads_on_to_this_origin_only(gateway: Gateway, onto: str) -> None:
    login, browser = gateway.member(), gateway.browser()
    page = browser.get(f"/sign-in?next={quote(onto)}")
    form = form_of(page)

    answer = browser.post(
        form.action, {**form.values, "next": onto, "login": login, "password": PASSWORD}, Origin=ISSUER
    )

    assert form.values["next"] == "/signed-in"
    assert answer.location == "/signed-in"


def test_a_form_from_another_site_signs_nobody_in(gateway: Gateway) -> None:
    login, browser = gateway.member(), gateway.browser()
    form = form_of(browser.get("/sign-in"))
    stolen = form_of(gateway.browser().get("/sign-in"))
    typed = {"login": login, "password": PASSWORD}

    foreign = browser.post("/sign-in", {**form.values, **typed}, Origin="https://attacker.example")
    unsigned = browser.post("/sign-in", typed)
    others = browser.post("/sign-in", {**stolen.values, **typed})

    assert [foreign.status_code, unsigned.status_code, others.status_code] == [403, 422, 422]
    assert browser.cookie("__Host-session") == ""


def test_a_form_from_before_the_sign_in_stops_working(gateway: Gateway) -> None:
    login, browser = gateway.member(), gateway.browser()
    page = browser.get("/sign-in")
    browser.submit(page, login=login, password=PASSWORD)

    assert browser.submit(page, login=login, password=PASSWORD).status_code == 422


def test_too_many_failures_from_one_place_are_told_to_wait(throttled: Gateway) -> None:
    login = throttled.member()
    for _ in range(3):
        browser = throttled.browser()
        answer = browser.submit(browser.get("/sign-in"), login=login, password="not the password 1")

    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 900
    assert "Réessayez dans" in answer.text


def test_the_page_says_for_which_application_and_lets_its_form_end_there(gateway: Gateway) -> None:
    browser, client_id = gateway.browser(), gateway.application(display_name="Caisse")

    page = browser.open(Request(client_id).path)
    plain = browser.get("/sign-in")
    unregistered = browser.get(
        "/sign-in?next=" + quote(Request(client_id).but(redirect_uri="https://attacker.example/").path)
    )

    assert "pour continuer vers Caisse" in page.text
    assert "form-action 'self' https://app.example;" in page.headers["Content-Security-Policy"]
    assert "form-action 'self';" in plain.headers["Content-Security-Policy"]
    assert "form-action 'self';" in unregistered.headers["Content-Security-Policy"]


def test_help_and_faq_are_one_click_away(gateway: Gateway) -> None:
    browser = gateway.browser()
    page = browser.get("/sign-in")

    assert '<a href="/help/password">Mot de passe oublié ou compte bloqué</a>' in page.text
    assert '<a href="/help/faq">FAQ</a>' in page.text
    assert [browser.get(p).status_code for p in ("/help/password", "/help/faq")] == [200, 200]


def test_a_language_chosen_by_its_flag_becomes_the_persons_preference(gateway: Gateway) -> None:
    login = gateway.member()
    with_flag, without = gateway.browser(), gateway.browser()
    with_flag.submit(with_flag.get("/sign-in?lang=de"), login=login, password=PASSWORD)
    without.submit(without.get("/sign-in"), login=login, password=PASSWORD)

    assert 'lang="de"' in without.get("/signed-in").text


def test_signing_in_again_makes_the_former_cookie_worthless(gateway: Gateway) -> None:
    login, browser, other = gateway.member(), gateway.browser(), gateway.browser()
    browser.submit(browser.get("/sign-in"), login=login, password=PASSWORD)
    former = browser.cookie("__Host-session")
    browser.submit(browser.get("/sign-in"), login=login, password=PASSWORD)
    other.plant("__Host-session", former)

    assert other.get("/signed-in").status_code == 303
    assert browser.get("/signed-in").status_code == 200

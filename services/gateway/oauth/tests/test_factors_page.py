"""The page of one's own second factors (ID10): what is there, taken away, renewed, and who may look."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from werkzeug.test import TestResponse

from services.chassis.testing.tokens import ISSUER
from services.gateway.oauth.tests.browser import Browser, form_of
from services.gateway.oauth.tests.conftest import Gateway
from services.identity.factors import passkeys
from services.identity.tests.acts import PASSWORD
from services.identity.tests.authenticator import Authenticator
from services.identity.tests.proving import Person, somebody, with_totp
from services.look.languages import CODES

PAGE = "/account/factors"


@pytest.fixture
def person(gateway: Gateway) -> Person:
    """Somebody with an authenticator application and a passkey."""
    found = with_totp(gateway.acts)
    found.add_passkey()
    return found


def arrived(gateway: Gateway, person: Person) -> tuple[Browser, TestResponse]:
    """A browser in which the person signed in on the way to the page, and the page."""
    browser = gateway.browser()
    page = browser.submit(browser.open(PAGE), login=person.user.login, password=PASSWORD)
    if form_of(page).action == "/sign-in/second-step":
        page = browser.submit(page, recovery_code=person.codes.pop())
    assert (page.status_code, page.request.path) == (200, PAGE)
    return browser, page


def press(browser: Browser, page: TestResponse, **button: str) -> TestResponse:
    """What a button of the page leads to."""
    token = form_of(page).values["csrf_token"]
    answer = browser.post(PAGE, {"csrf_token": token, **button}, Origin=ISSUER)
    return browser.get(answer.location) if answer.status_code == 303 else answer


def added(browser: Browser, page: TestResponse, authenticator: Authenticator) -> TestResponse:
    """What comes of adding this passkey by the page."""
    [add] = re.findall(r'class="button" href="(/sign-in/enrol[^"]*)"', page.text)
    offer = browser.get(add)
    [options] = re.findall(r'data-options="([^"]*)"', offer.text)
    return browser.submit(offer, credential=authenticator.create(unescape(options)))


def test_factors_are_listed_and_taken_away(gateway: Gateway, person: Person) -> None:
    browser, page = arrived(gateway, person)
    [passkey] = [each.name.rpartition("/")[2] for each in person.passkeys()]
    assert all(text in page.text for text in ("Office laptop", "Codes de secours restants : 9", passkey))
    without = press(browser, page, passkey=passkey)
    assert "Office laptop" not in without.text
    last = press(browser, without, totp="1")

    assert "seul le mot de passe le protège" in last.text
    assert gateway.acts.start(person.user.login).session_token


@pytest.mark.parametrize(
    ("code", "written"), [("fr", "{2}/{1}/{0}"), ("de", "{2}.{1}.{0}"), ("en", "{0}-{1}-{2}")]
)
def test_days_are_written_as_the_language_does(
    gateway: Gateway, person: Person, code: str, written: str
) -> None:
    browser, _ = arrived(gateway, person)
    page = browser.get(f"{PAGE}?lang={code}")
    days = re.findall(r'<time datetime="([0-9-]{10})">([^<]+)</time>', page.text)

    assert [shown for _, shown in days] == [written.format(*day.split("-")) for day, _ in days]
    assert len(days) == 2


def test_new_recovery_codes_replace_the_former(gateway: Gateway, person: Person) -> None:
    former = list(person.codes)
    browser, page = arrived(gateway, person)
    shown = press(browser, page, renew="1")
    codes = re.findall(r"<code>([a-z2-9-]{19})</code>", shown.text)

    assert (len(set(codes)), set(codes) & set(former)) == (10, set())
    assert shown.headers["Cache-Control"] == "no-store"
    assert f'href="{PAGE}"' in shown.text
    person.codes = codes
    arrived(gateway, person)


def test_one_more_passkey_brings_the_person_back_without_new_codes(gateway: Gateway) -> None:
    person = with_totp(gateway.acts)
    browser, page = arrived(gateway, person)
    back = added(browser, page, Authenticator(ISSUER))

    assert (back.request.path, "Passkey" in back.text) == (PAGE, True)
    assert len(person.passkeys()) == 1


def test_the_last_factor_stays_while_a_company_requires_one(gateway: Gateway) -> None:
    person = with_totp(gateway.acts)
    gateway.acts.identity.acquaintance.require_second_factor(person.company.removeprefix("companies/"))
    browser, page = arrived(gateway, person)
    refused = press(browser, page, totp="1")

    assert refused.status_code == 422
    assert "exige un second facteur" in refused.text
    assert person.challenge()


def test_who_signed_in_long_ago_signs_in_anew(gateway: Gateway) -> None:
    with gateway.past.since(minutes=6):
        person = somebody(gateway.acts)
        browser = gateway.signed_in(person.user.login)
    for answer in (browser.get(PAGE), gateway.browser().get(PAGE)):
        assert urlsplit(answer.location).path == "/sign-in"
        assert parse_qs(urlsplit(answer.location).query)["next"] == [PAGE]
    assert gateway.browser().post(PAGE, {"renew": "1"}, Origin=ISSUER).status_code == 303


def test_another_sites_form_takes_nothing_away(gateway: Gateway, person: Person) -> None:
    browser, page = arrived(gateway, person)
    form = {**form_of(page).values, "totp": "1"}
    assert browser.post(PAGE, form, Origin="https://evil.example").status_code == 403
    stale = browser.post(PAGE, {"totp": "1"}, Origin=ISSUER)
    elsewhere = press(browser, page, passkey="of-nobody")

    assert stale.status_code == 422
    assert "Codes de secours restants" in elsewhere.text
    assert person.remaining() == 9


@pytest.mark.parametrize("form", [{}, {"passkey": ""}, {"passkey": "x" * 64}, {"passkey": "a\0"}], ids=str)
def test_a_form_that_names_no_factor_takes_nothing_away(
    gateway: Gateway, person: Person, form: dict[str, str]
) -> None:
    browser, page = arrived(gateway, person)
    shown = press(browser, page, **form)

    assert (shown.status_code, shown.text.count('name="passkey"')) == (200, 1)
    assert 'name="totp"' in shown.text


def test_a_passkey_that_is_there_or_one_too_many_is_refused_in_words(
    gateway: Gateway, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, page = arrived(gateway, person)
    assert person.authenticator is not None
    again = added(browser, page, person.authenticator)
    monkeypatch.setattr(passkeys, "MOST", 1)
    many = added(browser, page, Authenticator(ISSUER))

    assert (again.status_code, many.status_code) == (422, 422)
    assert "est déjà la vôtre" in again.text
    assert "retirez-en une d&#39;abord" in many.text
    assert len(person.passkeys()) == 1


@pytest.mark.parametrize("code", CODES)
def test_the_page_speaks_every_language(gateway: Gateway, person: Person, code: str) -> None:
    browser, _ = arrived(gateway, person)
    page = browser.get(f"{PAGE}?lang={code}")

    assert f'<html lang="{code}">' in page.text
    assert "factors." not in page.text.replace(PAGE, "")

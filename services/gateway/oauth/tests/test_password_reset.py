"""The pages for a forgotten password or a locked account (ID5), and browsers that are known again (ID9)."""

from __future__ import annotations

import re

import pytest
from werkzeug.test import TestResponse

from comptoir.identity.v1 import user_pb2
from services.chassis.db.scope import Scope
from services.chassis.testing.tokens import ISSUER
from services.gateway.oauth.tests.browser import Browser, focused, form_of
from services.gateway.oauth.tests.conftest import Gateway
from services.identity.links import CONFIRM_EMAIL, RESET, Links, Purpose
from services.identity.tests.acts import PASSWORD
from services.identity.tests.proving import somebody
from services.look.languages import CODES

ANOTHER = "nine quiet otters swim 3 rivers"


def path_of_link(gateway: Gateway, user: str, purpose: Purpose = RESET) -> str:
    """Where the mail of the person leads, on the gateway."""
    resources = gateway.acts.identity.resources
    links = Links(resources.vault, ISSUER)
    with resources.database.transaction(Scope()) as db:
        address = links.address(db, links.issue(db, purpose, user, gateway.past()), gateway.past())
    assert address is not None
    return address.url.removeprefix(ISSUER)


def asked(gateway: Gateway, typed: str) -> TestResponse:
    browser = gateway.browser()
    return browser.submit(browser.get("/help/password"), account=typed)


def plain(page: TestResponse) -> str:
    """The page without what differs at each showing."""
    return re.sub(r'value="[^"]*"', "", page.text)


def test_the_sign_in_page_leads_there_and_the_answer_is_one_for_everybody(gateway: Gateway) -> None:
    person = gateway.acts.person(email="asked@halles.example")
    known = gateway.acts.person()
    answers = [asked(gateway, typed) for typed in (known.login, person.email, "nobody", "no@body.example")]

    assert 'href="/help/password"' in gateway.browser().get("/sign-in").text
    assert {answer.status_code for answer in answers} == {200}
    assert len({plain(answer) for answer in answers}) == 1
    assert len({tuple(sorted(answer.headers.keys())) for answer in answers}) == 1


@pytest.mark.parametrize("typed", ["", "  ", "\0", "x" * 300])
def test_nothing_that_could_be_anybody_is_asked_for_again(gateway: Gateway, typed: str) -> None:
    answer = asked(gateway, typed)

    assert answer.status_code == 422
    assert 'id="account-problem"' in answer.text


def test_a_new_password_is_set_once_and_named_rules_leave_the_link_good(gateway: Gateway) -> None:
    person = gateway.acts.person()
    path, browser = path_of_link(gateway, person.name), gateway.browser()
    page = browser.get(path)
    for chosen, repeated, sentence in (
        ("", "", "Saisissez le nouveau mot de passe."),
        ("short 1", "short 1", "de 15 à 128 caractères"),
        ("only letters are in this", "only letters are in this", "une lettre et un chiffre"),
        (PASSWORD, PASSWORD, "l&#39;un de vos quatre derniers"),
        (ANOTHER, "another", "Les deux saisies diffèrent."),
    ):
        refused = browser.submit(page, new_password=chosen, repeated_password=repeated)
        assert refused.status_code == 422
        assert sentence in refused.text
        assert "short 1" not in refused.text
    assert (focused(page), focused(refused)) == (["new_password"], ["repeated_password"])
    done = browser.submit(page, new_password=ANOTHER, repeated_password=ANOTHER)
    again = browser.get(path)

    assert done.status_code == 200
    assert "Le mot de passe est changé" in done.text
    assert (again.status_code, "/help/password" in again.text) == (410, True)
    assert gateway.acts.sign_in(person.login, ANOTHER)


def test_the_page_asks_for_less_beside_a_second_factor(gateway: Gateway) -> None:
    one, two = somebody(gateway.acts), somebody(gateway.acts)
    two.add_passkey()
    pages = [gateway.browser().get(path_of_link(gateway, each.user.name)).text for each in (one, two)]

    assert ["Au moins 15 caractères" in pages[0], "Au moins 12 caractères" in pages[1]] == [True, True]


@pytest.mark.parametrize("link", ["", "nonsense", "x" * 400, "a\0b"])
def test_a_link_that_never_was_says_so(gateway: Gateway, link: str) -> None:
    browser = gateway.browser()
    page = browser.get(path_of_link(gateway, gateway.acts.person().name))

    assert browser.get(f"/password/reset?link={link}".replace("\0", "%00")).status_code == 410
    form = {**form_of(page).values, "link": link, "new_password": ANOTHER, "repeated_password": ANOTHER}
    assert browser.post("/password/reset", form, Origin=ISSUER).status_code == 410


@pytest.mark.parametrize("code", CODES)
def test_the_pages_speak_every_language(gateway: Gateway, code: str) -> None:
    path = path_of_link(gateway, gateway.acts.person().name)
    browser = gateway.browser()
    pages = [browser.get(f"{path}&lang={code}"), browser.get("/help/password"), browser.get("/help/faq")]

    assert {page.headers["Content-Language"] for page in pages} == {code}
    assert all(page.status_code == 200 for page in pages)


def test_another_sites_form_and_a_stale_one_set_nothing(gateway: Gateway) -> None:
    person = gateway.acts.person()
    path, browser = path_of_link(gateway, person.name), gateway.browser()
    form = {**form_of(browser.get(path)).values, "new_password": ANOTHER, "repeated_password": ANOTHER}

    assert browser.post("/password/reset", form, Origin="https://evil.example").status_code == 403
    assert gateway.browser().post("/password/reset", form, Origin=ISSUER).status_code == 422
    assert gateway.acts.sign_in(person.login)


def test_an_address_is_confirmed_by_a_click_and_not_by_opening_the_link(gateway: Gateway) -> None:
    person = gateway.acts.person(operator=True)
    token = gateway.acts.token(person.login)
    request = user_pb2.ChangeEmailRequest(name=person.name, email="clicked@halles.example")
    gateway.acts.identity.call("UserService/ChangeEmail", request, user_pb2.User, token=token)
    path, browser = path_of_link(gateway, person.name, CONFIRM_EMAIL), gateway.browser()
    for _ in range(2):
        page = browser.get(path)
    stranger = gateway.browser().post("/account/email", form_of(page).values, Origin=ISSUER)
    done, again = browser.submit(page), browser.submit(page)
    found = gateway.acts.identity.call(
        "UserService/GetUser", user_pb2.GetUserRequest(name=person.name), user_pb2.User, token=token
    )

    assert [each.status_code for each in (page, stranger, done, again)] == [200, 422, 200, 410]
    assert found.email == "clicked@halles.example"


def test_without_a_link_there_is_no_address_to_confirm(gateway: Gateway) -> None:
    for path in ("/account/email", "/account/email?link="):
        page = gateway.browser().get(path)

        assert (page.status_code, "Ce lien n&#39;est plus valable" in page.text) == (410, True)
        assert "<form" not in page.text


def sign_in(browser: Browser, login: str, password: str = PASSWORD) -> int:
    return browser.submit(browser.get("/sign-in"), login=login, password=password).status_code


def test_a_browser_that_signed_in_before_gets_in_while_the_login_is_locked(gateway: Gateway) -> None:
    login, other = gateway.acts.person().login, gateway.acts.person().login
    known = gateway.browser()
    assert [sign_in(known, login), sign_in(known, other), sign_in(known, login)] == [200, 200, 200]
    stranger = gateway.browser()
    for _ in range(10):
        assert sign_in(stranger, login, "not the password 1") == 422

    assert sign_in(stranger, login) == 422
    assert sign_in(known, login) == 200
    assert len(known.cookie("__Host-devices").split("~")) == 2
    assert stranger.cookie("__Host-devices") == ""


@pytest.mark.parametrize("code", CODES)
def test_a_password_that_is_too_old_leads_to_another_and_then_on(gateway: Gateway, code: str) -> None:
    with gateway.past.since(days=90):
        person = somebody(gateway.acts)
    gateway.acts.identity.acquaintance.require_password_renewal(person.company.removeprefix("companies/"))
    browser = gateway.browser()
    page = browser.submit(
        browser.get(f"/sign-in?next=/help/faq&lang={code}"), login=person.user.login, password=PASSWORD
    )
    refused = browser.submit(page, new_password=PASSWORD, repeated_password=PASSWORD)
    shown = [browser.cookie("__Host-session"), page.request.path, refused.status_code]
    done = browser.submit(refused, new_password=ANOTHER, repeated_password=ANOTHER)

    assert shown == ["", "/password/reset", 422]
    assert page.headers["Content-Language"] == code
    assert all("90" in each.text for each in (page, refused))
    assert 'href="/sign-in?next=%2Fhelp%2Ffaq"' in done.text
    arrived = browser.submit(
        browser.get("/sign-in?next=/help/faq"), login=person.user.login, password=ANOTHER
    )
    assert (arrived.request.path, arrived.status_code) == ("/help/faq", 200)


def test_the_mails_of_other_people_do_not_speak_of_age(gateway: Gateway) -> None:
    page = gateway.browser().get(path_of_link(gateway, gateway.acts.person().name))

    assert "90" not in re.sub(r'(?:value|href|action)="[^"]*"', "", page.text)

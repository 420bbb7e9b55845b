"""The page that an invitation's link leads to (ID7, ID8)."""

from __future__ import annotations

import itertools
import re

import pytest
from werkzeug.test import TestResponse

from comptoir.identity.v1 import invitation_pb2, membership_pb2
from services.chassis.db.scope import Scope
from services.chassis.testing.tokens import ISSUER
from services.gateway.oauth.tests.browser import focused, form_of
from services.gateway.oauth.tests.conftest import Gateway
from services.identity.links import INVITATION, Links
from services.identity.tests.acts import PASSWORD
from services.look.languages import CODES

_numbers = itertools.count(1)


def invited(gateway: Gateway, language: str = "fr") -> str:
    """Where the mail of a new invitation leads, on the gateway."""
    return invitation(gateway, language)[1]


def invitation(gateway: Gateway, language: str = "fr") -> tuple[str, str]:
    """The company that invites, and where the mail leads."""
    acts, resources = gateway.acts, gateway.acts.identity.resources
    company, owner = acts.company(), acts.person()
    acts.place(company, owner.name)
    made = acts.identity.call(
        "InvitationService/CreateInvitation",
        invitation_pb2.CreateInvitationRequest(
            parent=company,
            invitation=invitation_pb2.Invitation(
                email=f"invited{next(_numbers)}@halles.example",
                role=membership_pb2.ROLE_DEVELOPER,
                all_shops=True,
                language_code=language,
            ),
        ),
        invitation_pb2.Invitation,
        token=acts.token(owner.login, company),
    )
    links = Links(resources.vault, ISSUER)
    with resources.database.transaction(Scope()) as db:
        address = links.address(db, links.issue(db, INVITATION, made.name, gateway.past()), gateway.past())
    assert address is not None
    return company, address.url.removeprefix(ISSUER)


def details(**changes: str) -> dict[str, str]:
    login = f"noe{next(_numbers)}"
    return {
        "login": login,
        "given_name": "Noé",
        "family_name": "Exemple",
        "new_password": PASSWORD,
        "repeated_password": PASSWORD,
        **changes,
    }


def problems(page: TestResponse) -> set[str]:
    return set(re.findall(r'id="([a-z_]+)-problem"', page.text))


def test_a_newcomer_opens_an_account_and_signs_in_with_it(gateway: Gateway) -> None:
    path, browser, given = invited(gateway), gateway.browser(), details()
    page = browser.get(path)
    done = browser.submit(page, **given)
    [place] = gateway.acts.touch(gateway.acts.sign_in(given["login"])).memberships

    assert "Les Halles du Port" in page.text
    assert focused(page) == ["login"]
    assert "développeur" in page.text
    assert (done.status_code, "Votre compte est ouvert" in done.text) == (200, True)
    assert place.role == membership_pb2.ROLE_DEVELOPER
    assert browser.get(path).status_code == 410


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"login": ""}, "login"),
        ({"login": "two words"}, "login"),
        ({"given_name": " "}, "given_name"),
        ({"family_name": "x" * 100}, "family_name"),
        ({"new_password": "short 1", "repeated_password": "short 1"}, "new_password"),
        ({"repeated_password": "another"}, "repeated_password"),
    ],
)
def test_a_mistake_is_shown_at_its_field_and_the_link_stays_good(
    gateway: Gateway, changes: dict[str, str], field: str
) -> None:
    browser = gateway.browser()
    page = browser.get(invited(gateway))
    refused = browser.submit(page, **details(**changes))

    assert (refused.status_code, problems(refused)) == (422, {field})
    assert focused(refused) == [field]
    assert PASSWORD not in refused.text
    assert browser.submit(refused, **details()).status_code == 200


def test_a_login_that_is_taken_is_said_to_be(gateway: Gateway) -> None:
    browser = gateway.browser()
    refused = browser.submit(browser.get(invited(gateway)), **details(login=gateway.acts.person().login))

    assert (refused.status_code, problems(refused)) == (422, {"login"})


def test_who_has_an_account_signs_in_and_asks_for_the_place(gateway: Gateway) -> None:
    path, browser, person = invited(gateway), gateway.browser(), gateway.acts.person()
    onward = re.search(r'href="(/sign-in\?next=[^"]+)"', browser.get(path).text)
    assert onward is not None
    back = browser.submit(browser.get(onward[1].replace("&amp;", "&")), login=person.login, password=PASSWORD)
    done = browser.submit(back)

    assert "Ada Exemple" in back.text
    assert (done.status_code, "Votre demande est enregistrée" in done.text) == (200, True)
    assert not gateway.acts.touch(gateway.acts.sign_in(person.login)).memberships
    assert browser.get(path).status_code == 410


def test_who_belongs_to_the_company_is_told_so(gateway: Gateway) -> None:
    company, path = invitation(gateway)
    person = gateway.acts.person()
    gateway.acts.place(company, person.name, "ROLE_READER")
    browser = gateway.signed_in(person.login)

    assert browser.submit(browser.get(path)).status_code == 409


@pytest.mark.parametrize("link", ["", "nonsense", "x" * 400, "a%00b"])
def test_a_link_that_never_was_says_so(gateway: Gateway, link: str) -> None:
    assert gateway.browser().get(f"/invitation?link={link}").status_code == 410


@pytest.mark.parametrize("code", CODES)
def test_the_page_speaks_the_language_of_the_mail(gateway: Gateway, code: str) -> None:
    page = gateway.browser().get(invited(gateway, code))

    assert (page.status_code, page.headers["Content-Language"]) == (200, code)


def test_another_sites_form_takes_nothing(gateway: Gateway) -> None:
    browser = gateway.browser()
    path = invited(gateway)
    form = {**form_of(browser.get(path)).values, **details()}

    assert browser.post("/invitation", form, Origin="https://evil.example").status_code == 403
    assert browser.get(path).status_code == 200

"""A person looks after their account over the real processes: details, password, sessions, address, lost access."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

import pytest
import requests

from comptoir.identity.v1 import user_pb2
from deploy.local.browser import Application, Forms, Merchant
from deploy.local.mailbox import Mail, Mailbox
from deploy.local.platforms import Platform
from services.chassis.rpc.client import Client
from services.chassis.testing.running import METHODS
from services.chassis.testing.waiting import until

FIRST, SECOND, THIRD = (f"nine quiet otters swim {n} rivers" for n in (31, 52, 73))
OLD, NEW = "ines@voyage.example", "ines.nouvelle@voyage.example"


@dataclass
class Person:
    """Somebody of the platform's staff, who needs no company; their browsers, tokens and mail."""

    platform: Platform
    login: str = "ines"
    name: str = ""
    at_home: Application = field(init=False)
    at_work: Application = field(init=False)

    def __post_init__(self) -> None:
        self.at_home, self.at_work = self.browser(), self.browser()

    def browser(self) -> Application:
        return Application(self.platform.description["gateway"], self.platform.description["ca"])

    def signed_in(self, browser: Application, password: str) -> Merchant:
        tokens = browser.sign_in(self.login, password, prompt="login")
        return Merchant(browser.gateway, browser.authority, tokens["access_token"])

    def mails(self, address: str, words: str, count: int = 1) -> list[Mail]:
        """The mails to the address with these words in the subject, the latest first, once there are so many."""
        mailbox = Mailbox(self.platform.layout.mail)

        def found() -> list[Mail]:
            mails = [mail for mail in mailbox.mails(mailbox.ids()) if mail.recipients == (address,)]
            mails = [mail for mail in mails if words in mail.subject]
            return mails if len(mails) >= count else []

        return until(found, f"{count} mails about {words} reach {address}", 60)


@pytest.fixture(scope="module")
def person(platform: Platform, demonstration: dict[str, Any]) -> Person:
    client = Client(demonstration["grpc"]["identity"], platform.layout.certificates / "bootstrap")
    user = user_pb2.User(
        login="ines",
        email=OLD,
        given_name="Inès",
        family_name="Exemple",
        language_code="fr",
        time_zone="Pacific/Noumea",
    )
    request = user_pb2.CreateUserRequest(user=user, initial_password=FIRST, operator=True)
    made: Any = client.call(METHODS["UserService/CreateUser"], request)
    client.close()
    return Person(platform, name=made.name)


def sent(browser: Application, page: requests.Response, **typed: str) -> requests.Response:
    """What comes of the page's form."""
    form = max(Forms(page.text).found, key=lambda each: len(each["fields"]))
    return browser.session.post(
        urljoin(page.url, form["action"]),
        data={**form["fields"], **typed},
        headers={"Origin": browser.gateway},
        timeout=30,
    )


def post(merchant: Merchant, path: str, **body: str) -> requests.Response:
    return merchant.request("POST", path, json=body)


def test_details_and_preferences_are_saved_and_each_refusal_names_its_field(person: Person) -> None:
    me, path = person.signed_in(person.at_home, FIRST), f"/v1/{person.name}"
    etag = me.get(path).headers["ETag"]
    details = {
        "title": "TITLE_MRS",
        "phones": ["+687 75 12 34", "+33 6 12 34 56 78"],
        "timeZone": "Europe/Paris",
        "homePage": "HOME_PAGE_SHOPS",
    }
    saved = me.patch(path, json=details, headers={"If-Match": etag})
    refused = me.patch(path, json={"phones": ["12"], "timeZone": "Moon/Base", "languageCode": "xx"})
    email = me.patch(path, json={"email": NEW})

    assert saved.status_code == 200, saved.text
    assert saved.json()["phones"] == ["+687751234", "+33612345678"]
    assert {each["field"] for each in refused.json()["violations"]} >= {"languageCode"}
    assert (refused.status_code, email.status_code) == (400, 400)
    assert me.get(path).json()["email"] == OLD


def test_a_changed_password_ends_the_other_sessions(person: Person) -> None:
    home, work = person.signed_in(person.at_home, FIRST), person.signed_in(person.at_work, FIRST)
    path = f"/v1/{person.name}:changePassword"
    wrong = post(work, path, currentPassword=SECOND, newPassword=SECOND)
    weak = post(work, path, currentPassword=FIRST, newPassword="ines 123")
    changed = post(work, path, currentPassword=FIRST, newPassword=SECOND)

    assert [each["field"] for each in wrong.json()["violations"]] == ["currentPassword"]
    assert {each["field"] for each in weak.json()["violations"]} == {"newPassword"}
    assert changed.status_code == 200, changed.text
    assert home.patch(f"/v1/{person.name}", json={"title": "TITLE_MR"}).status_code == 401
    assert work.patch(f"/v1/{person.name}", json={"title": "TITLE_MRS"}).status_code == 200
    assert person.mails(OLD, "Votre mot de passe a changé")


def test_sessions_are_listed_and_ended(person: Person) -> None:
    home, work = person.signed_in(person.at_home, SECOND), person.signed_in(person.at_work, SECOND)
    listed = work.get(f"/v1/{person.name}/sessions").json()["sessions"]
    ended = post(work, f"/v1/{person.name}/sessions:revokeOthers")

    assert [each["present"] for each in listed if each.get("present")] == [True]
    assert all(each["sourceAddress"] == "127.0.0.1" and each["userAgent"] for each in listed)
    assert ended.status_code == 200, ended.text
    assert home.patch(f"/v1/{person.name}", json={"title": "TITLE_MR"}).status_code == 401
    assert len(work.get(f"/v1/{person.name}/sessions").json()["sessions"]) == 1


def test_a_new_address_counts_once_its_link_was_followed(person: Person) -> None:
    me, path = person.signed_in(person.at_work, SECOND), f"/v1/{person.name}"
    asked = post(me, f"{path}:changeEmail", email=NEW)
    assert asked.status_code == 200, asked.text
    assert (asked.json()["email"], asked.json()["unconfirmedEmail"]) == (OLD, NEW)
    assert person.mails(OLD, "Une autre adresse e-mail est demandée")
    (link,) = person.mails(NEW, "Confirmez votre adresse")[0].links
    browser = person.browser()
    done = sent(browser, browser.session.get(link, timeout=30))

    assert done.status_code == 200
    assert me.get(path).json()["email"] == NEW
    assert person.mails(OLD, "Votre adresse e-mail a changé")


def test_a_locked_login_lets_known_browsers_in_and_a_mailed_link_unlocks_it_once(person: Person) -> None:
    stranger = person.browser()
    sign_in = f"{stranger.gateway}/sign-in"
    for _ in range(10):
        page = stranger.session.get(sign_in, timeout=30)
        assert sent(stranger, page, login=person.login, password="not the password 1").status_code == 422
    locked = sent(stranger, stranger.session.get(sign_in, timeout=30), login=person.login, password=SECOND)
    assert locked.status_code == 422
    (told,) = person.mails(NEW, "Votre compte est bloqué")
    assert person.signed_in(person.at_work, SECOND).get(f"/v1/{person.name}").status_code == 200

    help_page = stranger.session.get(told.links[0], timeout=30)
    answers = [sent(stranger, help_page, account=typed) for typed in (NEW, "nobody@voyage.example")]
    assert {answer.status_code for answer in answers} == {200}
    assert len({re.sub(r'value="[^"]*"', "", answer.text) for answer in answers}) == 1
    (link,) = person.mails(NEW, "Choisissez un nouveau mot de passe")[0].links
    form = stranger.session.get(link, timeout=30)
    typed = {"new_password": THIRD, "repeated_password": THIRD}
    with ThreadPoolExecutor(20) as pool:
        ends = [*pool.map(lambda _: sent(stranger, form, **typed).status_code, range(20))]

    assert ends.count(200) == 1
    assert set(ends) <= {200, 410, 429, 503}
    assert stranger.session.get(link, timeout=30).status_code == 410
    assert person.signed_in(stranger, THIRD).get(f"/v1/{person.name}").status_code == 200
    assert person.mails(NEW, "Votre mot de passe a changé")

"""People come by invitation, leave, and are erased: over the real processes, with the mail as it arrives (ID7, ID8)."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import requests

from deploy.local.browser import Application, Forms, Merchant
from deploy.local.mailbox import Mail, Mailbox
from deploy.local.platforms import Platform
from services.chassis.testing.waiting import until

SignIn = Callable[..., Merchant]
PASSWORD = "nine quiet otters swim 3 rivers"
_numbers = itertools.count(1)


def invited(
    platform: Platform, by: Merchant, company: str, role: str = "ROLE_DEVELOPER"
) -> tuple[dict[str, Any], str]:
    """A new invitation, and the link in its mail."""
    email = f"newcomer{next(_numbers)}@people.example"
    body = {"email": email, "role": role, "allShops": True}
    made = by.request("POST", f"/v1/{company}/invitations", json=body)
    assert made.status_code == 200, made.text
    mailbox = Mailbox(platform.layout.mail)

    def arrived() -> list[Mail]:
        return [mail for mail in mailbox.mails(mailbox.ids()) if mail.recipients == (email,)]

    [mail] = until(arrived, "the invitation arrives", 60)
    [link] = mail.links
    invitation: dict[str, Any] = made.json()
    return invitation, link


def submitted(browser: requests.Session, page: requests.Response, **typed: str) -> requests.Response:
    """Sends the page's form as a browser does."""
    assert page.status_code == 200, page.text
    form = max(Forms(page.text).found, key=lambda each: len(each["fields"]))
    parts = urlsplit(page.url)
    origin = f"{parts.scheme}://{parts.netloc}"
    return browser.post(
        origin + form["action"], data={**form["fields"], **typed}, headers={"Origin": origin}, timeout=30
    )


def joined(platform: Platform, application: Application, by: Merchant, company: str) -> Merchant:
    """Somebody who took an invitation with a new account, signed in to the company."""
    _, link = invited(platform, by, company)
    login = f"newcomer{next(_numbers)}"
    browser = Application(application.gateway, application.authority).session
    details = {"login": login, "given_name": "Noé", "family_name": "Exemple"}
    passwords = {"new_password": PASSWORD, "repeated_password": PASSWORD}
    done = submitted(browser, browser.get(link, timeout=30), **details, **passwords)
    assert done.status_code == 200, done.text
    fresh = Application(application.gateway, application.authority)
    tokens = fresh.sign_in(login, PASSWORD, company)
    return Merchant(application.gateway, application.authority, tokens["access_token"])


def account(application: Application, person: Merchant) -> str:
    headers = {"Authorization": f"Bearer {person.token}"}
    told = requests.get(
        f"{application.gateway}/oauth2/userinfo", headers=headers, verify=person.authority, timeout=30
    )
    return f"/v1/users/{told.json()['sub']}"


def test_a_newcomer_joins_by_mail_works_and_leaves(
    platform: Platform, application: Application, demonstration: dict[str, Any], signed_in: SignIn
) -> None:
    company, alice = demonstration["companies"]["halles"], signed_in("alice", "halles")
    noe = joined(platform, application, alice, company)
    me = account(application, noe)
    place = f"/v1/{company}/memberships/{me.rpartition('/')[2]}"
    shop = noe.patch(f"/v1/{company}/shops/69876357", json={"url": "https://boutique.example/fr"})
    left = noe.request("DELETE", f"{me}/memberships/{company.removeprefix('companies/')}")
    again = noe.patch(f"/v1/{company}/shops/69876357", json={"url": "https://boutique.example"})
    changes = alice.get(f"{place}/changes").json()["changes"]

    assert (shop.status_code, left.status_code) == (200, 200), (shop.text, left.text)
    # Another service hears of it within a second.
    assert until(
        lambda: (
            noe.patch(f"/v1/{company}/shops/69876357", json={"url": "https://x.example"}).status_code == 404
        ),
        "the place is gone for writes",
        10,
    ), again.text
    assert [each["action"] for each in changes] == ["ACTION_DELETE", "ACTION_CREATE"]
    assert changes[0]["actor"] == me.removeprefix("/v1/")


def test_an_account_that_exists_waits_for_an_operator_and_the_inviter_sees_nothing_of_it(
    platform: Platform, application: Application, demonstration: dict[str, Any], signed_in: SignIn
) -> None:
    company, alice = demonstration["companies"]["halles"], signed_in("alice", "halles")
    olga, chloe = signed_in("olga"), signed_in("chloe", "atelier")
    invitation, link = invited(platform, alice, company, "ROLE_ACCOUNTANT")
    password = next(each["password"] for each in demonstration["logins"] if each["login"] == "chloe")
    browser = Application(application.gateway, application.authority).session
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(link))
    sign_in = browser.get(f"{origin}/sign-in", params={"next": link.removeprefix(origin)}, timeout=30)
    page = submitted(browser, sign_in, login="chloe", password=password)
    done = submitted(browser, page)
    me = account(application, chloe).removeprefix("/v1/")
    seen = alice.get(f"/v1/{invitation['name']}").json()
    [asked] = [each for each in olga.get("/v1/admissions").json()["admissions"] if each["user"] == me]
    given = olga.request("POST", f"/v1/{asked['name']}:approve", json={"reason": "Confirmed by telephone"})
    change = alice.get(f"/v1/{given.json()['name']}/changes").json()["changes"][0]

    assert done.status_code == 200, done.text
    assert seen == invitation
    assert (given.status_code, given.json()["role"]) == (200, "ROLE_ACCOUNTANT")
    assert (change["onBehalfOf"], change["reason"]) == (company, "Confirmed by telephone")
    assert alice.get(f"/v1/{invitation['name']}").json()["state"] == "INVITATION_STATE_ACCEPTED"
    removed = alice.request("DELETE", f"/v1/{given.json()['name']}")
    assert removed.status_code == 200, removed.text


def test_a_person_takes_what_is_kept_of_them_along_and_is_erased(
    platform: Platform, application: Application, demonstration: dict[str, Any], signed_in: SignIn
) -> None:
    company, alice = demonstration["companies"]["halles"], signed_in("alice", "halles")
    noe = joined(platform, application, alice, company)
    me = account(application, noe)
    exported = noe.get(f"{me}:export")
    lines = [json.loads(line) for line in exported.text.splitlines()]
    erased = noe.request("DELETE", me)
    members = alice.get(f"/v1/{company}/memberships").json()["memberships"]

    assert exported.headers["Content-Type"].startswith("application/x-ndjson")
    assert {"users", "memberships", "sessions"} <= {line.get("kind") for line in lines}
    assert erased.status_code == 200, erased.text
    assert me.removeprefix("/v1/") not in {each["user"] for each in members}
    assert noe.request("DELETE", me).status_code == 401

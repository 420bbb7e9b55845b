"""An operator opens a company by one call, and its owner finds everything there (CO13)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from deploy.local.browser import Application, Merchant
from deploy.local.mailbox import Mail, Mailbox
from deploy.local.platforms import Platform
from services.chassis.testing.running import METHODS
from services.chassis.testing.waiting import until
from tests.journeys.test_people import PASSWORD, submitted

SignIn = Callable[..., Merchant]
OWNER = "agathe@people.example"


def test_one_call_opens_a_company_with_its_owner_its_shop_and_its_inbox(
    platform: Platform, demonstration: dict[str, Any], application: Application, signed_in: SignIn
) -> None:
    body = METHODS["CompanyService/OpenCompany"].policy.example
    wanted = {**json.loads(body), "ownerEmail": OWNER, "shopDisplayName": "Boutique d'Agathe"}
    answer = signed_in("olga").request("POST", "/v1/companies:open", json=wanted)
    assert answer.status_code == 200, answer.text
    company = answer.json()["name"]
    mailbox = Mailbox(platform.layout.mail)

    def arrived() -> list[Mail]:
        return [mail for mail in mailbox.mails(mailbox.ids()) if mail.recipients == (OWNER,)]

    [mail] = until(arrived, "the owner is invited", 60)
    browser = Application(application.gateway, application.authority).session
    details = {"login": "agathe", "given_name": "Agathe", "family_name": "Exemple"}
    passwords = {"new_password": PASSWORD, "repeated_password": PASSWORD}
    taken = submitted(browser, browser.get(mail.links[0], timeout=30), **details, **passwords)
    assert taken.status_code == 200, taken.text
    tokens = application.sign_in("agathe", PASSWORD, company)
    agathe = Merchant(application.gateway, application.authority, tokens["access_token"])
    [shop] = until(lambda: agathe.get(f"/v1/{company}/shops").json().get("shops"), "the shop is opened")
    keys = until(lambda: agathe.get(f"/v1/{shop['name']}/keys").json().get("keys"), "its keys are there")
    messages = agathe.get(f"/v1/{company}/messages")
    changes = agathe.get(f"/v1/{company}/changes").json()["changes"]

    assert shop["displayName"] == "Boutique d'Agathe"
    assert len([key for key in keys if "generateTime" in key]) == 4
    assert messages.status_code == 200, messages.text
    # That an owner came is news; that a shop has keys when it begins is none.
    assert len(messages.json().get("messages", [])) <= 1
    assert {change["type"] for change in changes} == {"comptoir.company/Company", "comptoir.company/Opening"}
    assert {change["onBehalfOf"] for change in changes} == {company}

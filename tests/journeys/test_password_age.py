"""A company asks for another password every 90 days, and signing in goes by way of it (ID9)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urljoin, urlsplit

import requests

from deploy.local.browser import Application, Forms, Merchant
from deploy.local.databases import database_name
from deploy.local.platforms import Platform
from deploy.local.postgres import Cluster
from services.chassis.testing.waiting import until
from tests.accounts import PASSWORD, opened

ANOTHER = "nine quiet otters swim 3 rivers"


def grow_old(platform: Platform, login: str) -> None:
    """Has the account, and with it its password, be 91 days older."""
    cluster = Cluster(platform.layout.postgres, platform.ports["postgres"])
    with cluster.server.administrator(database_name("identity")) as connection, connection.transaction():
        # What no service could do: a change without its record.
        connection.execute("set local session_replication_role = replica")
        connection.execute(
            "update users set create_time = create_time - interval '91 days',"
            " password_change_time = password_change_time - interval '91 days' where login = %s",
            (login,),
        )


def sent(browser: Application, page: requests.Response, **typed: str) -> requests.Response:
    """What the page's form leads to."""
    form = max(Forms(page.text).found, key=lambda each: len(each["fields"]))
    headers = {"Origin": browser.gateway}
    data = {**form["fields"], **typed}
    return browser.session.post(urljoin(page.url, form["action"]), data=data, headers=headers, timeout=30)


def administrator(demonstration: dict[str, Any], company: str) -> Merchant:
    """Signed in for this journey alone: others end the sessions that are shared."""
    password = next(each["password"] for each in demonstration["logins"] if each["login"] == "chloe")
    application = Application(demonstration["gateway"], demonstration["ca"])
    token = application.sign_in("chloe", password, company)["access_token"]
    return Merchant(demonstration["gateway"], demonstration["ca"], token)


def test_an_old_password_leads_to_another_and_then_into_the_company(
    platform: Platform, demonstration: dict[str, Any]
) -> None:
    company = demonstration["companies"]["atelier"]
    chloe = administrator(demonstration, company)
    newcomer = opened(platform, "basile", company).login

    def require(wanted: bool) -> None:
        decided = chloe.request("POST", f"/v1/{company}:requirePasswordRenewal", json={"required": wanted})
        assert decided.status_code == 200, decided.text
        assert decided.json().get("passwordRenewalRequired", False) is wanted

    def browser() -> Application:
        return Application(demonstration["gateway"], demonstration["ca"])

    def led_to_another() -> tuple[Application, requests.Response] | None:
        fresh = browser()
        sign_in = fresh.session.get(f"{fresh.gateway}/sign-in", params={"next": "/help/faq"}, timeout=30)
        page = sent(fresh, sign_in, login=newcomer, password=PASSWORD)
        return (fresh, page) if urlsplit(page.url).path == "/password/reset" else None

    grow_old(platform, newcomer)
    assert browser().sign_in(newcomer, PASSWORD, company)["access_token"]
    require(True)
    # Identity hears of it within a second; until then the password is enough.
    fresh, page = until(led_to_another, "sign-in leads to another password")
    done = sent(fresh, page, new_password=ANOTHER, repeated_password=ANOTHER)
    require(False)

    assert done.status_code == 200, done.text
    assert "/sign-in?next=%2Fhelp%2Ffaq" in done.text
    assert browser().sign_in(newcomer, ANOTHER, company)["access_token"]

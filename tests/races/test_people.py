"""Links and second factors, at the pages of two gateways."""

from __future__ import annotations

import time
from typing import Any

import pyotp
import requests

from tests.accounts import PASSWORD
from tests.clients.registered import owner
from tests.races.doors import AT_ONCE, Doors

ANOTHER = "nine quiet otters swim 3 rivers"
SIGN_IN = "/sign-in"


def with_codes(doors: Doors) -> tuple[str, pyotp.TOTP, list[str]]:
    """Login, authenticator application and recovery codes of somebody new."""
    user = doors.person()
    merchant = doors.signed_in(user.login)
    made = merchant.request("POST", f"/v1/{user.name}/totp:enrol", json={})
    totp = pyotp.TOTP(made.json()["secret"])
    confirmed = merchant.request("POST", f"/v1/{user.name}/totp:confirm", json={"code": totp.now()})
    assert confirmed.status_code == 200, confirmed.text
    return user.login, totp, confirmed.json()["recoveryCodes"]


def at_the_second_step(doors: Doors, login: str) -> list[tuple[requests.Session, requests.Response]]:
    """Twenty browsers that showed the password, and the page that asks each for more."""
    found = []
    for _ in range(AT_ONCE):
        browser = doors.browser()
        page = browser.get(doors.addresses[0] + SIGN_IN, timeout=60)
        doors.submit(browser, page, doors.addresses[0], login=login, password=PASSWORD)
        found.append((browser, browser.get(f"{doors.addresses[0]}/sign-in/second-step", timeout=60)))
    return found


def let_in(
    doors: Doors, waiting: list[tuple[requests.Session, requests.Response]], **proof: str
) -> list[int]:
    """How each ended that sent the same proof at once; only those who are in have a session."""

    def send(door: str, number: int) -> int:
        browser, page = waiting[number]
        return doors.submit(browser, page, door, **proof).status_code

    statuses = doors.race(send)
    for (browser, _), status in zip(waiting, statuses, strict=True):
        assert ("__Host-session" in browser.cookies.get_dict()) is (status == 303)
    return statuses


def test_one_code_by_time_lets_one_in(doors: Doors) -> None:
    login, totp, _ = with_codes(doors)
    waiting = at_the_second_step(doors, login)
    # The step of the code that confirmed the application is used up; a clock may be one ahead.
    statuses = let_in(doors, waiting, code=totp.at(time.time() + 30))

    assert statuses.count(303) == 1, statuses
    assert set(statuses) <= {303, 422, 429, 503}


def test_one_recovery_code_lets_one_in(doors: Doors) -> None:
    login, _, codes = with_codes(doors)
    statuses = let_in(doors, at_the_second_step(doors, login), recovery_code=codes[0])

    assert statuses.count(303) == 1, statuses
    assert set(statuses) <= {303, 422, 429, 503}


def test_one_link_sets_one_password(doors: Doors) -> None:
    user = doors.person()
    browser = doors.browser()
    asking = browser.get(f"{doors.addresses[0]}/help/password", timeout=60)
    assert doors.submit(browser, asking, doors.addresses[0], account=user.login).status_code == 200
    page = browser.get(doors.link_to(user.email), timeout=60)

    def send(door: str, number: int) -> tuple[int, str]:
        chosen = f"{ANOTHER} {number}"
        path, data = doors.form(page, new_password=chosen, repeated_password=chosen)
        return doors.post(door, path, data, cookies=browser.cookies).status_code, chosen

    ends = doors.race(send)
    won = [chosen for status, chosen in ends if status == 200]

    assert len(won) == 1, ends
    assert {status for status, _ in ends} <= {200, 410, 429, 503}
    assert doors.application().sign_in(user.login, won[0])["access_token"]


def test_one_invitation_gives_one_place(doors: Doors) -> None:
    description: dict[str, Any] = doors.platform.description
    alice, company = owner(description), description["companies"]["halles"]
    offer: dict[str, Any] = {"email": "place@races.example", "role": "ROLE_READER", "allShops": True}
    made = alice.request("POST", f"/v1/{company}/invitations", json=offer)
    assert made.status_code == 200, made.text
    browser = doors.browser()
    page = browser.get(doors.link_to(offer["email"]), timeout=60)

    def send(door: str, number: int) -> int:
        typed = {"login": f"placed{number}", "given_name": "Place", "family_name": "Unique"}
        passwords = {"new_password": ANOTHER, "repeated_password": ANOTHER}
        path, data = doors.form(page, **typed, **passwords)
        return doors.post(door, path, data, cookies=browser.cookies).status_code

    statuses = doors.race(send)
    members = alice.get(f"/v1/{company}/memberships?pageSize=1000").json()["memberships"]

    assert statuses.count(200) == 1, statuses
    assert set(statuses) <= {200, 410, 429, 503}
    assert [each["userDisplayName"] for each in members].count("Place Unique") == 1

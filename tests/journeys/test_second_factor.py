"""A person adds a second factor and signs in with it; a company lets nobody in without one (ID10)."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

import pyotp
import pytest
import requests

from deploy.local.browser import Application, Merchant
from deploy.local.mailbox import Mailbox
from deploy.local.platforms import Platform
from services.chassis.testing.waiting import until

TWO = "urn:comptoir:acr:2fa"


def claims(token: str) -> dict[str, Any]:
    """What a token says, its signature not looked at."""
    payload = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return found


@dataclass
class WithFactor(Application):
    """An application whose person types codes, and adds an authenticator application where a page asks for one."""

    codes: dict[str, str] = field(default_factory=dict)
    """What is typed at the second step."""
    secret: str = ""
    """Of the application that was added."""
    recovery_codes: list[str] = field(default_factory=list)

    def _submit(self, page: requests.Response, typed: dict[str, str]) -> requests.Response:
        if page.url.partition("?")[0].endswith("/sign-in/enrol"):
            shown = re.findall(r"<code>([A-Z2-7]{32})</code>", page.text)
            if not shown:
                return self._go_on(page)
            self.secret = shown[0]
            return super()._submit(page, {"code": pyotp.TOTP(self.secret).now()})
        return super()._submit(page, {**typed, **self.codes})

    def _go_on(self, page: requests.Response) -> requests.Response:
        """From the recovery codes to where the browser was going."""
        self.recovery_codes = re.findall(r"<code>([a-z2-9-]{19})</code>", page.text)
        onward = re.findall(r'class="button" href="([^"]*)"', page.text)[0].replace("&amp;", "&")
        return self.session.get(urljoin(page.url, onward), allow_redirects=False, timeout=30)


@dataclass
class Person:
    """Somebody of the demonstration."""

    demonstration: dict[str, Any]
    login: str

    @property
    def password(self) -> str:
        return str(
            next(each for each in self.demonstration["logins"] if each["login"] == self.login)["password"]
        )

    def sign_in(self, company: str = "", **codes: str) -> tuple[WithFactor, dict[str, Any]]:
        """A fresh browser in which the person signed in, and the tokens."""
        application = WithFactor(self.demonstration["gateway"], self.demonstration["ca"], codes=codes)
        chosen = self.demonstration["companies"].get(company, "")
        return application, application.sign_in(self.login, self.password, chosen)

    def merchant(self, tokens: dict[str, Any]) -> Merchant:
        return Merchant(self.demonstration["gateway"], self.demonstration["ca"], tokens["access_token"])


@contextmanager
def removed_afterwards(merchant: Merchant, user: str) -> Iterator[None]:
    """Other journeys sign the same people in with a password alone."""
    try:
        yield
    finally:
        assert merchant.request("DELETE", f"/v1/{user}/totp").status_code == 200


def test_a_person_adds_a_factor_and_signs_in_with_it(
    platform: Platform, demonstration: dict[str, Any]
) -> None:
    remi = Person(demonstration, "remi")
    _, tokens = remi.sign_in()
    merchant, user = remi.merchant(tokens), f"users/{claims(tokens['access_token'])['sub']}"
    made = merchant.request("POST", f"/v1/{user}/totp:enrol", json={})
    assert made.headers["Cache-Control"] == "no-store"
    totp = pyotp.TOTP(made.json()["secret"])
    wrong = merchant.request("POST", f"/v1/{user}/totp:confirm", json={"code": totp.at(0)})
    assert [found["field"] for found in wrong.json()["violations"]] == ["code"]
    confirmed = merchant.request("POST", f"/v1/{user}/totp:confirm", json={"code": totp.now()})
    codes = confirmed.json()["recoveryCodes"]

    with removed_afterwards(merchant, user):
        # The step of the code that confirmed the application is used up; a clock may be one ahead.
        following = totp.at(time.time() + 30)
        _, second = remi.sign_in(code=following)
        assert (claims(second["access_token"])["acr"], claims(second["id_token"])["amr"]) == (
            TWO,
            ["pwd", "otp", "mfa"],
        )
        with pytest.raises(AssertionError):
            remi.sign_in(code=following)
        assert remi.sign_in(recovery_code=codes[0])[1]["access_token"]
        with pytest.raises(AssertionError):
            remi.sign_in(recovery_code=codes[0])
        left = merchant.get(f"/v1/{user}/recoveryCodes").json()["remaining"]
        changed = [each["type"] for each in merchant.get(f"/v1/{user}/changes").json()["changes"]]

    assert (len(set(codes)), left) == (10, 9)
    assert {"comptoir.identity/Totp", "comptoir.identity/RecoveryCodes"} <= set(changed)
    mailbox = Mailbox(platform.layout.mail)
    expected = {"Un moyen de plus ouvre votre compte", "Un de vos codes de secours a été utilisé"}
    until(
        lambda: expected <= {mail.subject for mail in mailbox.mails(mailbox.ids())},
        "the person is told of the factor and of the recovery code",
    )


def test_a_company_lets_nobody_in_without_a_second_factor(demonstration: dict[str, Any]) -> None:
    chloe, company = Person(demonstration, "chloe"), demonstration["companies"]["atelier"]
    _, tokens = chloe.sign_in("atelier")
    merchant, user = chloe.merchant(tokens), f"users/{claims(tokens['access_token'])['sub']}"

    def require(wanted: bool) -> None:
        answer = merchant.request("POST", f"/v1/{company}:requireSecondFactor", json={"required": wanted})
        assert answer.status_code == 200, answer.text
        assert answer.json().get("secondFactorRequired", False) is wanted

    def led_to_adding_one() -> tuple[WithFactor, dict[str, Any]] | None:
        try:
            application, found = chloe.sign_in("atelier")
        except AssertionError as refused:
            # Identity may hear of it between the code and its redemption.
            if "invalid_grant" not in str(refused):
                raise
            return None
        return (application, found) if application.secret else None

    require(True)
    # Identity hears of it within a second; until then the password is enough.
    application, tokens = until(led_to_adding_one, "sign-in leads to adding a factor")
    merchant = chloe.merchant(tokens)
    refused = merchant.request("DELETE", f"/v1/{user}/totp")
    require(False)

    def removed() -> bool:
        return merchant.request("DELETE", f"/v1/{user}/totp").status_code == 200

    assert (claims(tokens["access_token"])["acr"], len(application.recovery_codes)) == (TWO, 10)
    assert (refused.status_code, refused.json()["reason"]) == (409, "SECOND_FACTOR_REQUIRED")
    until(removed, "identity hears that none is required any more")
    assert chloe.sign_in("atelier")[1]["access_token"]

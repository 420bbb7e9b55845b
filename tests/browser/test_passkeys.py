"""A passkey is made and used by the page's script, in a real browser with an authenticator of its own (ID10)."""

from __future__ import annotations

import base64
import hashlib
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request

from deploy.local.browser import Application
from deploy.local.platforms import Platform
from tests.journeys.test_second_factor import TWO, claims

VERIFIER = "a-made-up-verifier-of-at-least-forty-three-characters"
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


class Visit:
    """One page of the browser, on its way from the application through sign-in and back."""

    def __init__(self, page: Page, platform: Platform) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.application = Application(platform.description["gateway"], platform.description["ca"])
        self._answered: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._listen)
        page.on("request", self._look)
        page.route(f"{self.application.redirect_uri}**", lambda route: route.fulfill(body="back"))

    def _listen(self, said: ConsoleMessage) -> None:
        if said.type == "error":
            self.complaints.append(said.text)

    def _look(self, request: Request) -> None:
        if request.url.startswith(self.application.redirect_uri):
            self._answered.append(request.url)

    def begin(self, company: str) -> None:
        """Goes where the application sends the person."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode()
        asked = {
            "response_type": "code",
            "client_id": self.application.client_id,
            "redirect_uri": self.application.redirect_uri,
            "scope": "openid account company",
            "state": "made-up",
            "code_challenge": challenge.rstrip("="),
            "code_challenge_method": "S256",
            "acr_values": TWO,
            "company": company,
        }
        self.page.goto(f"{self.application.gateway}/oauth2/authorize?{urlencode(asked)}")

    def tokens(self) -> dict[str, str]:
        """What the application gets for the answer."""
        self.page.wait_for_url(f"{self.application.redirect_uri}**")
        code = parse_qs(urlsplit(self._answered[-1]).query)["code"][0]
        return self.application.redeem(
            grant_type="authorization_code",
            code=code,
            redirect_uri=self.application.redirect_uri,
            code_verifier=VERIFIER,
        )


@pytest.mark.slow
def test_a_passkey_is_made_while_signing_in_and_opens_the_account_by_itself(
    shown: Platform, browser: BrowserContext
) -> None:
    page = browser.new_page()
    visit, company = Visit(page, shown), shown.description["companies"]["halles"]
    devices = browser.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    devices.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    password = next(each["password"] for each in shown.description["logins"] if each["login"] == "remi")

    visit.begin(company)
    page.fill("input[name=login]", "remi")
    page.fill("input[name=password]", password)
    page.click("form[action^='/sign-in'] button[type=submit]")
    page.wait_for_url("**/sign-in/enrol**")
    page.click("button[data-start]")
    page.wait_for_selector("text=Vos codes de secours")
    codes = page.locator("li code").all_inner_texts()
    page.click("a.button")
    page.click("button[value=allow]")
    first = claims(visit.tokens()["access_token"])

    browser.clear_cookies()
    visit.begin(company)
    page.click("text=Se connecter avec une clé d'accès")
    page.click("button[data-start]")
    second = claims(visit.tokens()["access_token"])

    assert (len(set(codes)), first["acr"], second["acr"]) == (10, TWO, TWO)
    assert first["sub"] == second["sub"]
    assert visit.complaints == []

"""A signed-in person adds a passkey on the page of their factors, and takes it away, in a real browser (ID10)."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext

from deploy.local.platforms import Platform
from tests.accounts import PASSWORD, opened
from tests.browser.test_passkeys import AUTHENTICATOR, Visit


@pytest.mark.slow
def test_a_passkey_is_added_seen_and_taken_away(shown: Platform, browser: BrowserContext) -> None:
    page, login = browser.new_page(), opened(shown, "fabien").login
    visit = Visit(page, shown)
    devices = browser.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    devices.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})

    page.goto(f"{visit.application.gateway}/account/factors")
    page.fill("input[name=login]", login)
    page.fill("input[name=password]", PASSWORD)
    page.click("form[action^='/sign-in'] button[type=submit]")
    page.wait_for_selector("text=seul le mot de passe le protège")
    page.click("text=Ajouter un second facteur")
    page.click("button[data-start]")
    page.wait_for_selector("text=Vos codes de secours")
    page.click("a.button")
    page.wait_for_selector("text=Codes de secours restants : 10")
    listed = page.locator("h2").all_inner_texts()
    page.click("text=Générer de nouveaux codes")
    page.wait_for_selector("li code")
    codes = page.locator("li code").all_inner_texts()
    page.click("a.button")
    page.click("text=Retirer")
    page.wait_for_selector("text=seul le mot de passe le protège")

    assert listed == ["Clé d'accès : Passkey", "Vos codes de secours"]
    assert len(set(codes)) == 10
    assert visit.complaints == []

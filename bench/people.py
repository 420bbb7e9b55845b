"""Somebody of the demonstration who is signed in."""

from __future__ import annotations

from deploy.local.browser import Application
from deploy.local.platforms import Platform

LOGIN = "alice"


def login(platform: Platform) -> dict[str, str]:
    """Login and password."""
    found: dict[str, str] = next(each for each in platform.description["logins"] if each["login"] == LOGIN)
    return found


def authorization(platform: Platform, scope: str = "company shop") -> dict[str, str]:
    """The header that their requests bear; it is good for five minutes."""
    description = platform.description
    application = Application(description["gateway"], description["ca"], scope=scope)
    tokens = application.sign_in(LOGIN, login(platform)["password"])
    return {"Authorization": f"Bearer {tokens['access_token']}"}

"""Somebody of the demonstration who is signed in."""

from __future__ import annotations

from typing import Any

from deploy.local.browser import Application
from deploy.local.platforms import Platform

LOGIN = "alice"


def login(platform: Platform) -> dict[str, str]:
    """Login and password."""
    found: dict[str, str] = next(each for each in platform.description["logins"] if each["login"] == LOGIN)
    return found


def tokens(platform: Platform) -> dict[str, Any]:
    """The tokens of a new session."""
    application = Application(platform.description["gateway"], platform.description["ca"])
    return application.sign_in(LOGIN, login(platform)["password"])


def authorization(platform: Platform) -> dict[str, str]:
    """The header that a request of theirs bears; it is good for five minutes."""
    return {"Authorization": f"Bearer {tokens(platform)['access_token']}"}

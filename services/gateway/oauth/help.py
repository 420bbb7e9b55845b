"""Help for those who cannot sign in (ID1, ID5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from flask import Response
from pydantic import AfterValidator
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.gateway.oauth.pages import Pages
from services.gateway.oauth.places import FAQ, PASSWORD_HELP, SIGN_IN


def _link(value: str) -> str:
    if not value.startswith(("https://", "mailto:", "/")) or value.startswith("//"):
        raise ValueError("must be an https or mailto address, or a path")
    return value


Link = Annotated[str, AfterValidator(_link)]


class HelpSettings(BaseSettings):
    """Where the platform's own help is."""

    model_config = SettingsConfigDict(env_prefix="COMPTOIR_", frozen=True, extra="ignore")

    faq: Link = FAQ
    """The FAQ; by default a short one about signing in, served here."""
    support: Link | None = None
    """Address of customer service, if it has one for people who cannot sign in."""


@dataclass(frozen=True)
class Help:
    """The FAQ about signing in, where the platform has none of its own."""

    pages: Pages

    def questions(self) -> Response:
        """`GET /help/faq`."""
        return self.pages.show("help_faq.html", password_help=PASSWORD_HELP, sign_in=SIGN_IN)

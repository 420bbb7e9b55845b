"""The six languages (GW3), and which of them a page speaks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Language:
    """One language as its speakers call it, and the flag that stands for it (ID3)."""

    code: str
    name: str
    flag: str


LANGUAGES: tuple[Language, ...] = (
    Language("fr", "Français", "fr"),
    Language("en", "English", "gb"),
    Language("es", "Español", "es"),
    Language("de", "Deutsch", "de"),
    Language("pt", "Português", "pt"),
    Language("it", "Italiano", "it"),
)
CODES: tuple[str, ...] = tuple(language.code for language in LANGUAGES)
DEFAULT = "fr"
"""The manual's language."""


def known(code: str | None) -> str | None:
    """The code if it is one of the six, in the case the catalogues use; `de-AT` is `de`."""
    primary = (code or "").partition("-")[0].lower()
    return primary if primary in CODES else None


def first_known(*wishes: str | None) -> str:
    """The first wish that can be granted, strongest first; French when none can."""
    return next((code for wish in wishes if (code := known(wish))), DEFAULT)

"""What `look/base.html` and `look/forms.html` expect of whoever renders them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from services.look.languages import LANGUAGES
from services.look.words import Translate

MOUNT = "/look"
STATIC = Path(__file__).parent / "static"
LANGUAGE_PARAMETER = "lang"
"""Query parameter by which flags change the language."""


@dataclass(frozen=True)
class Problem:
    """Something that keeps a form from going through: a sentence's key and placeholders, and the field's id if any."""

    key: str
    field_id: str = ""
    values: Mapping[str, object] = field(default_factory=dict)


def context(t: Translate, language: str, here: str) -> dict[str, Any]:
    """The variables of the base layout. `here` is the same-origin path that the flags lead back to."""
    return {
        "t": t,
        "language": language,
        "languages": [(each, in_language(here, each.code)) for each in LANGUAGES],
        "asset": asset,
    }


def in_language(address: str, code: str) -> str:
    """The address with the language parameter set, and everything else as it was."""
    parts = urlsplit(address)
    query = [
        (key, value)
        for key, value in parse_qsl(parts.query, keep_blank_values=True)
        if key != LANGUAGE_PARAMETER
    ]
    return urlunsplit(parts._replace(query=urlencode([*query, (LANGUAGE_PARAMETER, code)])))


@cache
def asset(name: str) -> str:
    """Address of a static file; it changes with the content, so that browsers may keep it for ever."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"{MOUNT}/{name}?v={digest}"

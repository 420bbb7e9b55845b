"""Sentences by key and language, from TOML files that are read as they are.

TOML rather than gettext: there is nothing to compile, so a wheel, an editable install and a container image behave
alike, no binary is committed, and a key says more than a French sentence that stands for itself. The price, no
plural forms, is paid where a number appears, by wording that needs none.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from string import Formatter
from typing import Any

from services.look.languages import CODES

SHARED = Path(__file__).parent / "words"
"""Words that every page needs."""

Translate = Callable[..., str]
"""`t("sign_in.title")`, `t("consent.title", client="Demo")`: the sentence in one language."""


class CatalogueError(Exception):
    """Languages disagree on keys or placeholders; the message lists every difference."""


class Words:
    """The sentences of one front door. Loading fails unless all languages say the same things."""

    def __init__(self, *directories: Path) -> None:
        """Each directory holds one file a language; a key belongs to one directory only."""
        self._sentences = {code: _merged(directories, code) for code in CODES}
        differences = list(_differences(self._sentences))
        if differences:
            raise CatalogueError("\n".join(differences))

    def into(self, language: str) -> Translate:
        """A function from a key, and the values of its placeholders, to the sentence."""
        sentences = self._sentences[language]

        def translate(key: str, **values: object) -> str:
            return sentences[key].format(**values)

        return translate

    def __contains__(self, key: str) -> bool:
        return key in self._sentences[CODES[0]]


def _merged(directories: tuple[Path, ...], code: str) -> dict[str, str]:
    merged: dict[str, str] = {}
    for directory in directories:
        found = dict(_flat(tomllib.loads((directory / f"{code}.toml").read_text("utf-8")), ""))
        if twice := merged.keys() & found.keys():
            raise CatalogueError(f"{code}: defined twice: {', '.join(sorted(twice))}")
        merged |= found
    return merged


def _flat(table: dict[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, str(value)


def _differences(sentences: dict[str, dict[str, str]]) -> Iterator[str]:
    model = {key: _placeholders(text) for key, text in sentences[CODES[0]].items()}
    for code, own in sentences.items():
        for key in sorted(model.keys() ^ own.keys()):
            yield f"{code}: {'lacks' if key in model else 'alone has'} {key}"
        for key in sorted(model.keys() & own.keys()):
            if _placeholders(own[key]) != model[key]:
                yield f"{code}: {key} has other placeholders"


def _placeholders(text: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in Formatter().parse(text) if name is not None)

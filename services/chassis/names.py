"""Resource names (AIP-122): the patterns come from `google.api.resource` in the contract, and from nowhere else."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

ANY = "-"
"""The wildcard segment (AIP-159)."""

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_ALPHABET = f"{_LETTERS}234567"
_REST = 19
"""Characters behind the first, of 5 bits each."""


def new_id() -> str:
    """A resource id: 20 random characters (100 bits), so that none tells how many others there are."""
    # Drawn at once: each drawing lets go of the interpreter's lock, which costs more than all the rest of it.
    first, rest = divmod(secrets.randbelow(len(_LETTERS) << 5 * _REST), 1 << 5 * _REST)
    return _LETTERS[first] + "".join(_ALPHABET[rest >> 5 * place & 31] for place in range(_REST))


@dataclass(frozen=True)
class Pattern:
    """A pattern such as `companies/{company}/shops/{shop}`."""

    text: str

    @cached_property
    def variables(self) -> tuple[str, ...]:
        return tuple(re.findall(r"{(\w+)}", self.text))

    @cached_property
    def places(self) -> tuple[int, ...]:
        """Where the ids stand among the segments of a name, from 1."""
        segments = enumerate(self.text.split("/"), start=1)
        return tuple(place for place, segment in segments if segment.startswith("{"))

    @cached_property
    def _regex(self) -> re.Pattern[str]:
        return re.compile(re.sub(r"{(\w+)}", r"(?P<\1>-|[a-z0-9][a-z0-9-]{0,62})", self.text))

    def parse(self, name: str) -> dict[str, str] | None:
        """The ids in the name, or None if it does not have this shape."""
        match = self._regex.fullmatch(name)
        return match.groupdict() if match else None

    def format(self, ids: Mapping[str, str]) -> str:
        """The name with these ids."""
        return self.text.format_map(ids)

    @cached_property
    def parent(self) -> Pattern:
        """The pattern of the parent: without the last collection and id."""
        segments = self.text.split("/")
        return Pattern("/".join(segments[:-2] if segments[-1].startswith("{") else segments[:-1]))

"""Path templates of `google.api.http`, such as `/v1/{name=companies/*/shops/*}:regenerate`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

SEGMENT = r"[^/:]+"
"""What one `*` stands for. The colon is left out: it begins the verb of a custom method (AIP-136)."""

_VARIABLE = re.compile(r"{(?P<field>[\w.]+)(?:=(?P<pattern>[^{}]+))?}")


@dataclass(frozen=True)
class Template:
    """One template; its variables are paths of fields of the request."""

    text: str

    def __post_init__(self) -> None:
        if "**" in self.text:
            raise ValueError(f"{self.text}: `**` is not served")

    @cached_property
    def variables(self) -> dict[str, str]:
        """Pattern of each variable, such as `companies/*/shops/*`, by the path of the field that it fills."""
        return {found["field"]: found["pattern"] or "*" for found in _VARIABLE.finditer(self.text)}

    @cached_property
    def shape(self) -> str:
        """The template without its variables' names: `/v1/companies/*/shops/*:regenerate`."""
        return _VARIABLE.sub(lambda found: found["pattern"] or "*", self.text)

    @cached_property
    def rule(self) -> str:
        """The same for Werkzeug; segments are called `s0`, `s1` and so on."""
        return _numbered(self.shape, "<segment:s{}>")

    @cached_property
    def regex(self) -> str:
        """A regular expression of the paths that it matches."""
        return SEGMENT.join(re.escape(part) for part in self.shape.split("*"))

    def fill(self, segments: Mapping[str, str]) -> dict[str, str]:
        """Value of each field, given the segments that Werkzeug found."""
        values = iter([segments[f"s{n}"] for n in range(self.shape.count("*"))])
        return {field: _filled(pattern, values) for field, pattern in self.variables.items()}

    def readable(self, names: Sequence[str]) -> str:
        """The path with a name for each segment: `/v1/companies/{company}/shops/{shop}:regenerate`."""
        values = iter([f"{{{name}}}" for name in names])
        return _filled(self.shape, values)


def _numbered(text: str, form: str) -> str:
    return _filled(text, iter([form.format(n) for n in range(text.count("*"))]))


def _filled(text: str, values: Iterator[str]) -> str:
    return re.sub(r"\*", lambda _: next(values), text)

"""Path templates of `google.api.http`, such as `/v1/{name=companies/*/shops/*}:regenerate`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

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
    def _forms(self) -> tuple[tuple[str, str, int, int], ...]:
        """For each field its name with a gap for each segment, and which segments fill them."""
        found, begin = [], 0
        for name, pattern in self.variables.items():
            end = begin + pattern.count("*")
            found.append((name, pattern.replace("*", "{}"), begin, end))
            begin = end
        return tuple(found)

    def fill(self, segments: Sequence[str]) -> dict[str, str]:
        """Value of each field, given the segments of a path that stand where this has a `*`."""
        return {name: form.format(*segments[begin:end]) for name, form, begin, end in self._forms}

    def readable(self, names: Sequence[str]) -> str:
        """The path with a name for each segment: `/v1/companies/{company}/shops/{shop}:regenerate`."""
        return self.shape.replace("*", "{}").format(*(f"{{{name}}}" for name in names))

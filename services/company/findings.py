"""Rules that the contract cannot state: one answer names every field that breaks one."""

from __future__ import annotations

from collections.abc import Callable

from services.chassis.errors import Invalid, Violation
from services.chassis.masks import in_mask


class Broken(Exception):
    """A value breaks the rule `rule` of its field; `description` is a sentence for whoever typed it."""

    def __init__(self, rule: str, description: str) -> None:
        super().__init__(description)
        self.rule = rule
        self.description = description


class Findings:
    """What is found wrong in the written fields of one resource; fields that are not written are not judged."""

    def __init__(self, resource: str, written: tuple[str, ...]) -> None:
        self._resource = resource
        self._written = written
        self._violations: list[Violation] = []

    def covers(self, path: str) -> bool:
        """Whether the field is written."""
        return in_mask(path, self._written)

    def take(self, path: str, value: str, rule: Callable[[str], str]) -> str:
        """The value in its stored form, or as it was if the field is not written."""
        return self.judge(path, value, rule) if self.covers(path) else value

    def judge(self, path: str, value: str, rule: Callable[[str], str]) -> str:
        """The value in its stored form, whether the field is written or not; a broken rule is noted."""
        try:
            return rule(value)
        except Broken as broken:
            self._violations.append(Violation(f"{self._resource}.{path}", broken.rule, broken.description))
            return value

    def conclude(self) -> None:
        """Raises `Invalid` if any rule is broken."""
        if self._violations:
            raise Invalid(
                "; ".join(f"{found.field}: {found.description}" for found in self._violations),
                violations=self._violations,
            )

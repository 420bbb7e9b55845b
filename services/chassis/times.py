"""Times and durations on the wire that are none: no rule of a field looks for them, and nothing can be made of one
(`google/protobuf/timestamp.proto` and `duration.proto`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from services.chassis.errors import Violation

_MOST_NANOS = 999_999_999


@dataclass(frozen=True)
class _Kind:
    rule: str
    least_seconds: int
    most_seconds: int
    sentence: str

    def holds(self, value: Any) -> bool:
        """Whether it is one: within its range, and with nanos that do not go against the seconds."""
        seconds, nanos = int(value.seconds), int(value.nanos)
        is_signed = self.least_seconds == -self.most_seconds
        least_nanos = -_MOST_NANOS if is_signed and seconds <= 0 else 0
        most_nanos = 0 if is_signed and seconds < 0 else _MOST_NANOS
        return self.least_seconds <= seconds <= self.most_seconds and least_nanos <= nanos <= most_nanos


_KINDS = {
    "google.protobuf.Timestamp": _Kind(
        "timestamp",
        -62_135_596_800,
        253_402_300_799,
        "must be a time of the calendar, of the years 1 to 9999",
    ),
    "google.protobuf.Duration": _Kind(
        "duration", -315_576_000_000, 315_576_000_000, "must be a duration of 10000 years at most"
    ),
}


def impossible(message: Any, descriptor: Descriptor, prefix: str = "") -> Iterator[Violation]:
    """Each time or duration in the message that is none, by its path."""
    for field, inner in _holding(descriptor):
        value = getattr(message, field.name)
        if field.is_repeated:
            items = [(f"{prefix}{field.name}[{n}]", item) for n, item in enumerate(value)]
        else:
            items = [(prefix + field.name, value)] if message.HasField(field.name) else []
        kind = _KINDS.get(inner.full_name)
        for path, item in items:
            if kind is None:
                yield from impossible(item, inner, f"{path}.")
            elif not kind.holds(item):
                yield Violation(path, kind.rule, kind.sentence)


@cache
def _holding(descriptor: Descriptor) -> tuple[tuple[FieldDescriptor, Descriptor], ...]:
    """The fields that are times or durations, or in which one may be, each with its message."""
    return tuple(
        (field, field.message_type)
        for field in descriptor.fields
        if field.message_type is not None and _may_hold(field.message_type, frozenset())
    )


def _may_hold(inner: Descriptor, above: frozenset[str]) -> bool:
    if inner.full_name in _KINDS:
        return True
    if inner.full_name in above or inner.GetOptions().map_entry:
        return False
    below = above | {inner.full_name}
    return any(
        field.message_type is not None and _may_hold(field.message_type, below) for field in inner.fields
    )

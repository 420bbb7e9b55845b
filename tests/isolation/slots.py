"""The fields of a request that say which thing is meant, found in its descriptor, and what may be written into them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from google.api import resource_pb2
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from services.chassis.contract import PATTERNS, Method, is_output
from services.chassis.names import Pattern

Step = str | int
_VARIABLES = frozenset(variable for pattern in PATTERNS.values() for variable in pattern.variables)
_ID = re.compile(r"(\w+?)_ids?")
PLACES = ("page_token", "cursor")
"""Fields that say where to go on."""
_DEPTH = 4


@dataclass(frozen=True)
class Slot:
    """One such field: its path, and what it holds: a name of this pattern, an id of this thing, or neither of them."""

    path: tuple[Step, ...]
    pattern: Pattern | None = None
    variable: str = ""

    @property
    def dotted(self) -> str:
        return ".".join(map(str, self.path))

    def is_of(self, variable: str) -> bool:
        """Whether such a thing is named, among others."""
        return self.variable == variable or bool(self.pattern and variable in self.pattern.variables)

    def read(self, message: Message) -> str:
        *steps, last = self.path
        holder = _reach(message, steps)
        if isinstance(last, str) and isinstance(holder, Message):
            return str(getattr(holder, last))
        try:
            return str(holder[last])
        except (IndexError, KeyError):
            return ""

    def write(self, message: Message, value: str) -> None:
        *steps, last = self.path
        holder = _reach(message, steps)
        if isinstance(last, str) and isinstance(holder, Message):
            setattr(holder, last, value)
        elif isinstance(last, int) and len(holder) <= last:
            holder.append(value)
        else:
            holder[last] = value


def _reach(message: Message, steps: list[Step]) -> Any:
    found: Any = message
    for step in steps:
        found = getattr(found, step) if isinstance(found, Message) and isinstance(step, str) else found[step]
    return found


def slots(method: Method) -> tuple[Slot, ...]:
    """All of a method's, those of its names first."""
    example = method.example()
    ids = {
        value: variable
        for name in method.names
        for variable, value in (name.pattern.parse(name.value(example)) or {}).items()
        if value != "-"
    }
    found = list(_slots(example, (), ids, method.reads_only, 0))
    first: list[tuple[Step, ...]] = [name.path for name in method.names]
    return tuple(sorted(found, key=lambda slot: first.index(slot.path) if slot.path in first else len(first)))


def _slots(
    message: Message, prefix: tuple[Step, ...], ids: dict[str, str], reads: bool, depth: int
) -> Iterator[Slot]:
    for each in message.DESCRIPTOR.fields:
        field: Any = each
        path, inner = (*prefix, field.name), field.message_type
        if is_output(field):
            continue
        if inner is not None and inner.GetOptions().map_entry:
            for key, value in getattr(message, field.name).items():
                if value in ids:
                    yield Slot((*path, key), variable=ids[value])
        elif inner is not None and not inner.full_name.startswith("google.") and depth < _DEPTH:
            held = getattr(message, field.name)
            for place, part in enumerate(held) if field.is_repeated else ((None, held),):
                yield from _slots(part, path if place is None else (*path, place), ids, reads, depth + 1)
        elif field.type == FieldDescriptor.TYPE_STRING:
            slot = _slot(field, (*path, 0) if field.is_repeated else path, reads)
            if slot is not None:
                yield slot


def _slot(field: Any, path: tuple[Step, ...], reads: bool) -> Slot | None:
    reference = field.GetOptions().Extensions[resource_pb2.resource_reference]
    if reference.type:
        return Slot(path, PATTERNS[reference.type])
    if reference.child_type:
        return Slot(path, PATTERNS[reference.child_type].parent)
    holder = field.containing_type.GetOptions().Extensions[resource_pb2.resource]
    if field.name == "name" and holder.type:
        return Slot(path, PATTERNS[holder.type])
    found = _ID.fullmatch(field.name)
    if found and found[1] in _VARIABLES:
        return Slot(path, variable=found[1])
    # Of reads, whatever text they take may choose rows.
    return Slot(path) if field.name in (*PLACES, "etag") or reads else None

"""JSON values to messages (the JSON mapping of proto3), naming everything that does not fit, not just the first.

Fields are named as in JSON, with dots and `[n]`: `managerContact.email`, `texts[0].title`. What only the service
writes is passed over (AIP-203), so that a resource can be sent back as it was read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from services.chassis.contract import is_output
from services.chassis.errors import Violation
from services.gateway.json_text import BODY
from services.gateway.routes import SCALAR_MESSAGES
from services.gateway.scalars import Refused, scalar, string_message, type_name, unsayable

_SHOWN = 64
"""Longest piece of a caller's own names that is repeated to them."""


@cache
def fields_of(message: Descriptor) -> Mapping[str, FieldDescriptor]:
    """The fields of a message by both of their names, `displayName` and `display_name`."""
    return {name: field for field in message.fields for name in (field.name, field.json_name)}


def shown(name: str) -> str:
    """A name that the caller made up, fit to be repeated."""
    clean = name.encode("utf-8", "backslashreplace").decode() or '""'
    return clean if len(clean) <= _SHOWN else clean[:_SHOWN] + "…"


def decode(value: object, message: Any, path: str = "") -> Iterator[Violation]:
    """Fills the message from a JSON object, and yields what is wrong with it."""
    if not isinstance(value, dict):
        yield Violation(path or BODY, "json_type", f"must be an object, not {type_name(value)}")
        return
    prefix = path + "." if path else ""
    for name in getattr(value, "twice", ()):
        yield Violation(prefix + shown(name), "duplicate", "is given more than once")
    known = fields_of(message.DESCRIPTOR)
    given: dict[str, str] = {}
    for name, item in value.items():
        field = known.get(name)
        if field is None:
            yield Violation(prefix + shown(name), "unknown_field", "is not a field here")
        elif not is_output(field) and item is not None:
            yield from _clashes(field, given, prefix)
            yield from assign(message, field, item, prefix + field.json_name)


def _clashes(field: FieldDescriptor, given: dict[str, str], prefix: str) -> Iterator[Violation]:
    """Both names of one field, or two of which only one may be there."""
    choice = field.containing_oneof
    slot = field.name if choice is None else "oneof " + choice.name
    other = given.get(slot)
    given[slot] = field.json_name
    if other == field.json_name:
        yield Violation(prefix + other, "duplicate", "is given more than once")
    elif other is not None:
        yield Violation(prefix + field.json_name, "oneof", f"cannot stand beside '{other}'")


def assign(message: Any, field: FieldDescriptor, value: object, path: str) -> Iterator[Violation]:
    """Sets one field, and yields what is wrong with its value."""
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        yield from _map(getattr(message, field.name), field.message_type, value, path)
    elif field.is_repeated:
        yield from _list(getattr(message, field.name), field, value, path)
    elif field.message_type is not None:
        target = getattr(message, field.name)
        target.SetInParent()
        yield from _message(target, value, path)
    else:
        try:
            setattr(message, field.name, scalar(field, value))
        except Refused as refused:
            yield refused.at(path)


def _message(target: Any, value: object, path: str) -> Iterator[Violation]:
    if target.DESCRIPTOR.full_name not in SCALAR_MESSAGES:
        yield from decode(value, target, path)
        return
    try:
        string_message(target, value)
    except Refused as refused:
        yield refused.at(path)


def _list(target: Any, field: FieldDescriptor, value: object, path: str) -> Iterator[Violation]:
    if not isinstance(value, list):
        yield Violation(path, "json_type", f"must be an array, not {type_name(value)}")
        return
    for n, item in enumerate(value):
        here = f"{path}[{n}]"
        if field.message_type is not None:
            yield from _message(target.add(), item, here)
            continue
        try:
            target.append(scalar(field, item))
        except Refused as refused:
            yield refused.at(here)


def _map(target: Any, entry: Descriptor, value: object, path: str) -> Iterator[Violation]:
    """Maps of the contract go from strings to scalars; a test holds it to that."""
    if not isinstance(value, dict):
        yield Violation(path, "json_type", f"must be an object, not {type_name(value)}")
        return
    for key, item in value.items():
        here = f"{path}[{shown(key)}]"
        problem = unsayable(key)
        if problem:
            yield Violation(here, "text", problem)
            continue
        try:
            target[key] = scalar(entry.fields_by_name["value"], item)
        except Refused as refused:
            yield refused.at(here)

"""Messages as the values that JSON is written from, alike in answers of the gateway and in exported files.

It is the JSON mapping of proto3, empty fields included. `json_format` finds out anew for every message what each field
asks for, which was a fifth of what answering a read over REST cost; here it is found out once for each type.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from functools import cache
from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message

Convert = Callable[[Any], Any]

_LONG = (FieldDescriptor.CPPTYPE_INT64, FieldDescriptor.CPPTYPE_UINT64)
_REAL = (FieldDescriptor.CPPTYPE_FLOAT, FieldDescriptor.CPPTYPE_DOUBLE)
_WELL_KNOWN = "google.protobuf."
_STRINGS = frozenset(_WELL_KNOWN + name for name in ("Timestamp", "Duration", "FieldMask"))


def values(message: Message) -> dict[str, Any]:
    """The message as an object; its fields in the order of the contract."""
    converted: dict[str, Any] = _of_message(message.DESCRIPTOR)(message)
    return converted


@cache
def _of_message(descriptor: Descriptor) -> Convert:
    if descriptor.full_name in _STRINGS:
        return _string
    if descriptor.full_name.startswith(_WELL_KNOWN) or any(f.cpp_type in _REAL for f in descriptor.fields):
        return _well_known
    return _plain


def _plain(message: Message) -> dict[str, Any]:
    found = {}
    for name, label, has_presence, convert in _fields(message.DESCRIPTOR):
        if not has_presence or message.HasField(name):
            value = getattr(message, name)
            found[label] = value if convert is None else convert(value)
    return found


def _string(message: Any) -> str:
    text: str = message.ToJsonString()
    return text


def _well_known(message: Message) -> Any:
    """A `Struct` knows doubles only: what was a whole number is one again, so that 7 days are not 7.0."""
    return _whole(json_format.MessageToDict(message, always_print_fields_with_no_presence=True))


def _whole(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _whole(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@cache
def _fields(descriptor: Descriptor) -> tuple[tuple[str, str, bool, Convert | None], ...]:
    """Of each field its name, that in JSON, whether it may be absent, and what makes a value of it."""
    return tuple((f.name, f.json_name, f.has_presence, _of_field(f)) for f in descriptor.fields)


def _of_field(field: FieldDescriptor) -> Convert | None:
    message = field.message_type
    if message is not None and message.GetOptions().map_entry:
        one = _of_one(message.fields_by_name["value"]) or _itself
        return lambda entries: {_key(key): one(value) for key, value in entries.items()}
    convert = _of_one(field)
    if not field.is_repeated:
        return convert
    return list if convert is None else lambda items: [convert(item) for item in items]


def _of_one(field: FieldDescriptor) -> Convert | None:
    if field.message_type is not None:
        return _of_message(field.message_type)
    if field.enum_type is not None:
        return _of_enum(field.enum_type)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return lambda value: base64.b64encode(value).decode()
    return str if field.cpp_type in _LONG else None


def _of_enum(enum: EnumDescriptor) -> Convert:
    names = {number: value.name for number, value in enum.values_by_number.items()}
    return lambda number: names.get(number, number)


def _itself(value: Any) -> Any:
    return value


def _key(key: Any) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)

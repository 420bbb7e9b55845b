"""Messages as the values that JSON is written from, alike in answers of the gateway and in exported files."""

from __future__ import annotations

from functools import cache
from typing import Any

from google.protobuf import json_format, struct_pb2
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message


def values(message: Message) -> dict[str, Any]:
    """The message by the JSON mapping of proto3, empty fields included.

    A `Struct` knows doubles only: what was a whole number is one again, so that 7 days are not 7.0.
    """
    found: dict[str, Any] = json_format.MessageToDict(message, always_print_fields_with_no_presence=True)
    if _holds_struct(message.DESCRIPTOR):
        found = _whole(found)
    return found


def _whole(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _whole(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@cache
def _holds_struct(message: Descriptor) -> bool:
    seen, waiting = set(), [message]
    while waiting:
        each = waiting.pop()
        if each.full_name == struct_pb2.Struct.DESCRIPTOR.full_name:
            return True
        if each.full_name not in seen:
            seen.add(each.full_name)
            waiting += [field.message_type for field in each.fields if field.message_type is not None]
    return False

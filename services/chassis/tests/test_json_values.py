"""What JSON is written from is what the library's mapping of proto3 gives, for every message that the contract has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf import json_format, struct_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message_factory import GetMessageClass

from services.chassis.contract import FILES
from services.chassis.json_values import values

DEEPEST = 4
NUMBERS = {
    FieldDescriptor.CPPTYPE_BOOL: True,
    FieldDescriptor.CPPTYPE_INT32: -7,
    FieldDescriptor.CPPTYPE_UINT32: 7,
    FieldDescriptor.CPPTYPE_INT64: -(2**60),
    FieldDescriptor.CPPTYPE_UINT64: 2**60,
    FieldDescriptor.CPPTYPE_FLOAT: 0.5,
    FieldDescriptor.CPPTYPE_DOUBLE: 0.1,
}
STRINGS = {
    "google.protobuf.Timestamp": "2026-02-28T23:59:59.120Z",
    "google.protobuf.Duration": "1.500s",
    "google.protobuf.FieldMask": "displayName,url",
}
"""Messages that JSON writes as one string."""


def every_message() -> Iterator[Descriptor]:
    waiting = [message for file in FILES for message in file.message_types_by_name.values()]
    while waiting:
        message = waiting.pop()
        waiting += message.nested_types
        if not message.GetOptions().map_entry:
            yield message


def fill(message: Any, depth: int = 0) -> Any:
    """Sets every field, those inside of others too; of a choice the last."""
    if message.DESCRIPTOR.full_name == struct_pb2.Struct.DESCRIPTOR.full_name:
        message.update({"days": 7, "share": 0.5, "names": ["a", None, {"deep": True}]})
        return message
    if message.DESCRIPTOR.full_name in STRINGS:
        message.FromJsonString(STRINGS[message.DESCRIPTOR.full_name])
        return message
    for field in message.DESCRIPTOR.fields:
        if field.message_type is None:
            value = scalar(field)
            if field.is_repeated:
                getattr(message, field.name).extend([value, value])
            else:
                setattr(message, field.name, value)
        elif field.message_type.GetOptions().map_entry:
            of = field.message_type.fields_by_name
            if of["value"].message_type is None:
                getattr(message, field.name)[scalar(of["key"])] = scalar(of["value"])
        elif field.message_type.full_name == "google.protobuf.Any" or depth == DEEPEST:
            continue
        elif field.is_repeated:
            fill(getattr(message, field.name).add(), depth + 1)
        else:
            getattr(message, field.name).SetInParent()
            fill(getattr(message, field.name), depth + 1)
    return message


def scalar(field: FieldDescriptor) -> Any:
    if field.enum_type is not None:
        return field.enum_type.values[-1].number
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        return b"\xff\x00" if field.type == FieldDescriptor.TYPE_BYTES else "n° 1 – é"
    return NUMBERS[field.cpp_type]


@pytest.mark.parametrize("message", list(every_message()), ids=lambda message: message.full_name)
def test_every_message_is_mapped_as_the_library_does_empty_and_full(message: Descriptor) -> None:
    kind = GetMessageClass(message)
    for each in (kind(), fill(kind())):
        assert values(each) == json_format.MessageToDict(each, always_print_fields_with_no_presence=True)


def test_fields_come_in_the_order_of_the_contract_and_are_numbers_where_they_were() -> None:
    struct = struct_pb2.Struct()
    struct.update({"days": 7, "share": 0.5})

    assert str(values(struct)["days"]) == "7"
    assert values(struct)["share"] == 0.5

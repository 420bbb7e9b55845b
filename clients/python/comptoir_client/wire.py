"""The part of the contract that the client speaks, from the descriptors that it ships.

They live in a pool of their own: a process may hold the platform's generated code beside them, in whatever version.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

_pool = DescriptorPool()
for _file in FileDescriptorSet.FromString(files(__package__).joinpath("contract.binpb").read_bytes()).file:
    _pool.AddSerializedFile(_file.SerializeToString())


@dataclass(frozen=True)
class Method:
    """One method: where it is called, what with, what it answers."""

    path: str
    request: Any
    response: Any


def message(name: str) -> Any:
    """The class of a message, by its full name."""
    return GetMessageClass(_pool.FindMessageTypeByName(name))


def method(service: str, name: str) -> Method:
    """A method, by its service's full name and its own."""
    found = _pool.FindServiceByName(service).methods_by_name[name]
    return Method(f"/{service}/{name}", GetMessageClass(found.input_type), GetMessageClass(found.output_type))


def choice(answer: Any, field: str) -> str:
    """The name of an enum field's value; of one that this contract does not know yet, its number."""
    number = getattr(answer, field)
    value = answer.DESCRIPTOR.fields_by_name[field].enum_type.values_by_number.get(number)
    return str(number) if value is None else str(value.name)


def state(answer: Any, fields: Iterable[str]) -> dict[str, Any]:
    """Fields of a resource in the form that feeds tell them in: enum values by name."""
    kinds = answer.DESCRIPTOR.fields_by_name
    return {
        field: choice(answer, field) if kinds[field].enum_type is not None else getattr(answer, field)
        for field in fields
    }


def plain(struct: Any) -> Mapping[str, Any]:
    """What a feed tells of a resource: a `google.protobuf.Struct` of scalars, whose numbers are all floats."""
    return {name: _scalar(value) for name, value in struct.fields.items()}


def _scalar(value: Any) -> Any:
    kind = value.WhichOneof("kind")
    return None if kind in (None, "null_value", "struct_value", "list_value") else getattr(value, kind)

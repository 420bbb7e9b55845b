"""Messages as schemas of OpenAPI 3.1 (JSON Schema 2020-12), each one once under `#/components/schemas`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from enum import Enum
from typing import Any

from google.api import field_behavior_pb2
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from services.chassis.contract import behaviors, is_required
from services.gateway.field_rules import (
    Schema,
    constrained,
    name_pattern,
    rules_of,
    sentences,
    written_by,
)

_WELL_KNOWN: dict[str, Schema] = {
    "Timestamp": {"type": "string", "format": "date-time"},
    "Duration": {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?s$"},
    "FieldMask": {"type": "string"},
    "Struct": {"type": "object"},
}
_FIXED = frozenset(
    {field_behavior_pb2.OUTPUT_ONLY, field_behavior_pb2.IDENTIFIER, field_behavior_pb2.IMMUTABLE}
)
_INTEGERS: dict[int, Schema] = {
    FieldDescriptor.CPPTYPE_INT32: {"type": "integer", "format": "int32"},
    FieldDescriptor.CPPTYPE_UINT32: {"type": "integer", "format": "int64", "minimum": 0},
    # JSON numbers are not exact beyond 2^53, so these are strings (the JSON mapping of proto3).
    FieldDescriptor.CPPTYPE_INT64: {"type": "string", "format": "int64"},
    FieldDescriptor.CPPTYPE_UINT64: {"type": "string", "format": "uint64"},
}


class Form(Enum):
    """Which fields of a message stand in its schema."""

    FULL = ""
    """All of them: answers, and what is created."""
    UPDATE = "Update"
    """Those that can change, none required."""


class Schemas:
    """The components, made as they are referred to."""

    def __init__(self, roots: Iterable[Descriptor], comments: Mapping[str, str]) -> None:
        self._comments = comments
        self._names = _short_names(roots)
        self.components: dict[str, Schema] = {}

    def message(self, message: Descriptor, form: Form = Form.FULL) -> Schema:
        """A reference to the schema of a message."""
        name = self._names[message.full_name] + form.value
        if name not in self.components:
            self.components[name] = {}
            self.components[name] = self._object(message, form)
        return {"$ref": f"#/components/schemas/{name}"}

    def part(
        self, message: Descriptor, fields: Collection[FieldDescriptor], name: str, form: Form = Form.FULL
    ) -> Schema:
        """A reference to a schema of what may be sent of a message, under a name of its own."""
        self.components[name] = {**self._of(message, fields, form), "additionalProperties": False}
        return {"$ref": f"#/components/schemas/{name}"}

    def field(self, field: FieldDescriptor, form: Form = Form.FULL) -> Schema:
        """The schema of one field, in place."""
        rules = rules_of(field)
        description = " ".join([self._comments.get(field.full_name, ""), *sentences(rules)]).strip()
        return {
            **constrained(self._value(field, form), rules),
            **name_pattern(field),
            **({"description": description} if description else {}),
            **written_by(field),
        }

    def _object(self, message: Descriptor, form: Form) -> Schema:
        if form is Form.FULL:
            return self._of(message, message.fields, form)
        return self._of(message, [f for f in message.fields if not behaviors(f) & _FIXED], form)

    def _of(self, message: Descriptor, fields: Collection[FieldDescriptor], form: Form) -> Schema:
        required = [f.json_name for f in fields if form is Form.FULL and is_required(f)]
        return {
            "type": "object",
            "description": self._comments.get(message.full_name, ""),
            "properties": {field.json_name: self.field(field, form) for field in fields},
            **({"required": required} if required else {}),
            **({"additionalProperties": False} if form is Form.UPDATE else {}),
        }

    def _value(self, field: FieldDescriptor, form: Form) -> Schema:
        message = field.message_type
        if message is not None and message.GetOptions().map_entry:
            value = message.fields_by_name["value"]
            return {"type": "object", "additionalProperties": self._single(value, Form.FULL)}
        if field.is_repeated:
            return {"type": "array", "items": self._single(field, Form.FULL)}
        return self._single(field, form)

    def _single(self, field: FieldDescriptor, form: Form) -> Schema:
        if field.message_type is not None:
            if field.message_type.file.package == "google.protobuf":
                return dict(_WELL_KNOWN[field.message_type.name])
            return self.message(field.message_type, form)
        if field.enum_type is not None:
            return self._enum(field.enum_type)
        if field.cpp_type in _INTEGERS:
            return dict(_INTEGERS[field.cpp_type])
        if field.type == FieldDescriptor.TYPE_BYTES:
            return {"type": "string", "contentEncoding": "base64"}
        if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
            return {"type": "string"}
        return {"type": "boolean" if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL else "number"}

    def _enum(self, enum: EnumDescriptor) -> Schema:
        name = self._names[enum.full_name]
        if name not in self.components:
            lines = [self._comments.get(enum.full_name, ""), ""]
            lines += [
                f"- `{v.name}`: {self._comments.get(f'{enum.full_name}.{v.name}', '')}" for v in enum.values
            ]
            values = [value.name for value in enum.values]
            self.components[name] = {"type": "string", "enum": values, "description": "\n".join(lines)}
        return {"$ref": f"#/components/schemas/{name}"}


def _short_names(roots: Iterable[Descriptor]) -> dict[str, str]:
    """A name for each message and enum that can be reached: its own, with its service before it if two share it."""
    found: dict[str, Any] = {}
    waiting = list(roots)
    while waiting:
        message = waiting.pop()
        if message.full_name in found:
            continue
        found[message.full_name] = message
        for field in message.fields:
            if field.enum_type is not None:
                found[field.enum_type.full_name] = field.enum_type
            elif field.message_type is not None:
                waiting.append(field.message_type)
    times = Counter(thing.name for thing in found.values())
    return {
        full_name: thing.name if times[thing.name] == 1 else _service(full_name).capitalize() + thing.name
        for full_name, thing in found.items()
    }


def _service(full_name: str) -> str:
    return full_name.split(".")[1]

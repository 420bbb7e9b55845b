"""Single JSON values to values of fields: what each type takes, and the words for what it does not."""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from services.chassis.errors import Violation
from services.gateway.json_text import NotJson

_INTEGER = re.compile(r"-?[0-9]{1,20}", re.ASCII)
_BASE64 = re.compile(r"([A-Za-z0-9+/]*|[A-Za-z0-9_-]*)={0,2}", re.ASCII)
_MASK = re.compile(r"[A-Za-z0-9_.*,]*", re.ASCII)


class Refused(Exception):
    """The value does not fit; says which rule it breaks."""

    def __init__(self, rule: str, description: str) -> None:
        super().__init__(description)
        self.rule = rule
        self.description = description

    def at(self, path: str) -> Violation:
        """The same as a violation of a field."""
        return Violation(path, self.rule, self.description)


def type_name(value: object) -> str:
    """What JSON calls it."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "an array"
        case NotJson():
            return value.text
        case _:
            return "an object"


def scalar(field: FieldDescriptor, value: object) -> Any:
    """The value as the field holds it; raises `Refused`."""
    return _BY_TYPE[field.cpp_type](field, value)


def string_message(target: Any, value: object) -> None:
    """Sets a message that JSON writes as one string: a time, a duration, a field mask. Raises `Refused`."""
    if not isinstance(value, str):
        raise _wrong_type("a string", value)
    kind = target.DESCRIPTOR.name
    if kind == "FieldMask":
        if not _MASK.fullmatch(value):
            raise Refused("field_mask", "must be names of fields, separated by commas")
        target.paths.extend(snake_case(path) for path in value.split(",") if path)
        return
    try:
        target.FromJsonString(value)
    except (ValueError, OverflowError):
        form = (
            "an RFC 3339 time such as 2026-01-31T08:00:00Z" if kind == "Timestamp" else "seconds such as 1.5s"
        )
        raise Refused(kind.lower(), f"must be {form}") from None


def snake_case(name: str) -> str:
    """`captureDelayDays` as the contract writes it; what is in that form already stays."""
    return re.sub(r"[A-Z]", lambda letter: "_" + letter[0].lower(), name)


def camel_case(name: str) -> str:
    """`capture_delay_days` as JSON writes it."""
    return re.sub(r"_([a-z0-9])", lambda letter: letter[1].upper(), name)


def unsayable(text: str) -> str:
    """What keeps a text from being stored or sent on; empty for any ordinary text."""
    if "\0" in text:
        return "must not hold the character U+0000"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "holds half of a surrogate pair, which is no character"
    return ""


def _wrong_type(expected: str, value: object) -> Refused:
    return Refused("json_type", f"must be {expected}, not {type_name(value)}")


def _text(field: FieldDescriptor, value: object) -> str | bytes:
    if not isinstance(value, str):
        raise _wrong_type("a string", value)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return _bytes(value)
    problem = unsayable(value)
    if problem:
        raise Refused("text", problem)
    return value


def _bytes(text: str) -> bytes:
    """Standard or URL-safe base64, with or without padding, and nothing else in between (RFC 4648)."""
    if not _BASE64.fullmatch(text) or (text.endswith("=") and len(text) % 4):
        raise Refused("base64", "must be base64")
    plain = text.rstrip("=").translate({ord("-"): "+", ord("_"): "/"})
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4))
    except binascii.Error:
        raise Refused("base64", "must be base64") from None


def _boolean(_: FieldDescriptor, value: object) -> bool:
    if not isinstance(value, bool):
        raise _wrong_type("true or false", value)
    return value


def _integer(low: int, high: int) -> Callable[[FieldDescriptor, object], int]:
    def convert(_: FieldDescriptor, value: object) -> int:
        number = _whole(value)
        if number is None:
            raise _wrong_type("an integer", value)
        if not low <= number <= high:
            raise Refused("range", f"must be from {low} to {high}")
        return number

    return convert


def _whole(value: object) -> int | None:
    match value:
        case bool():
            return None
        case int():
            return value
        case float() if value.is_integer():
            return int(value)
        case str() if _INTEGER.fullmatch(value):
            return int(value)
        case _:
            return None


def _real(_: FieldDescriptor, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong_type("a number", value)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise Refused("range", "is too large")
    return number


def _choice(field: FieldDescriptor, value: object) -> int:
    """An enum by name, or by a number that has one."""
    assert field.enum_type is not None
    names = field.enum_type.values_by_name
    if isinstance(value, str) and value in names:
        return int(names[value].number)
    if isinstance(value, int) and not isinstance(value, bool) and value in field.enum_type.values_by_number:
        return value
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise _wrong_type("a string", value)
    raise Refused("enum", f"must be one of {', '.join(n for n in names if names[n].number)}")


_BY_TYPE: Mapping[int, Callable[[FieldDescriptor, object], Any]] = {
    FieldDescriptor.CPPTYPE_STRING: _text,
    FieldDescriptor.CPPTYPE_BOOL: _boolean,
    FieldDescriptor.CPPTYPE_INT32: _integer(-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_UINT32: _integer(0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_INT64: _integer(-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT64: _integer(0, 2**64 - 1),
    FieldDescriptor.CPPTYPE_FLOAT: _real,
    FieldDescriptor.CPPTYPE_DOUBLE: _real,
    FieldDescriptor.CPPTYPE_ENUM: _choice,
}

"""Messages of any shape that the contract allows on the wire, and some that mean something."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from hypothesis import reject
from hypothesis import strategies as st

from services.chassis.contract import Method
from services.chassis.errors import Fault
from tests.isolation.callers import Who
from tests.isolation.companies import SIBLING
from tests.isolation.matrix import Matrix

_DEPTH = 3
_TEXTS = [
    "",
    "-",
    "*",
    "a" * 300,
    "companies/-/shops/-",
    "é\u202e\U0001f600",
    "' or 1=1 --",
    "{{7*7}}",
    "%s%n",
    "../..",
]
_NUMBERS = [0, 1, -1, 2**31 - 1, -(2**31), 2**63 - 1, -(2**63), 2**32 - 1, 2**64 - 1]
_RANGES = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
    FieldDescriptor.CPPTYPE_ENUM: (-(2**31), 2**31 - 1),
}


def sensible(matrix: Matrix, method: Method, who: Who) -> Message:
    """The method's example about something that is there."""
    try:
        return matrix.cells.base(method, who, SIBLING)
    except Fault:
        # An earlier message took away, or locked, what this one would be about.
        reject()


@st.composite
def mutated(draw: st.DrawFn, base: Message, known: Sequence[str]) -> Message:
    """A request that makes sense, with some of its fields written over or emptied."""
    message = type(base)()
    message.CopyFrom(base)
    for _ in range(draw(st.integers(0, 3))):
        _mutate(draw, message, known, _DEPTH)
    return message


def _mutate(draw: st.DrawFn, message: Any, known: Sequence[str], depth: int) -> None:
    descriptor: Descriptor = message.DESCRIPTOR
    if not descriptor.fields:
        return
    field: Any = draw(st.sampled_from(list(descriptor.fields)))
    if draw(st.integers(0, 5)) == 0:
        message.ClearField(field.name)
    elif field.message_type is not None and field.message_type.GetOptions().map_entry:
        if field.message_type.fields_by_name["value"].type == FieldDescriptor.TYPE_STRING:
            getattr(message, field.name)[draw(_text(known))] = draw(_text(known))
    elif field.message_type is not None:
        inner = getattr(message, field.name).add() if field.is_repeated else getattr(message, field.name)
        inner.SetInParent()
        if depth:
            _mutate(draw, inner, known, depth - 1)
    elif field.is_repeated:
        getattr(message, field.name).extend(draw(st.lists(_scalar(field, known), max_size=3)))
    else:
        setattr(message, field.name, draw(_scalar(field, known)))


def _scalar(field: Any, known: Sequence[str]) -> st.SearchStrategy[Any]:
    if field.cpp_type in _RANGES:
        low, high = _RANGES[field.cpp_type]
        choices = [number for number in _NUMBERS if low <= number <= high]
        if field.enum_type is not None:
            choices += [value.number for value in field.enum_type.values]
        return st.sampled_from(choices) | st.integers(low, high)
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return st.booleans()
    if field.cpp_type in (FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT):
        return st.floats(width=32)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return st.binary(max_size=60)
    return _text(known)


def _text(known: Sequence[str]) -> st.SearchStrategy[str]:
    # Half surrogates cannot be put into a message at all.
    any_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
    return st.sampled_from([*_TEXTS, *known]) | any_text

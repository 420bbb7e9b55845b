"""Query parameters to fields of the request. Every parameter must be one: nothing is passed over in silence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from werkzeug.datastructures import MultiDict

from services.chassis.errors import Violation
from services.gateway.decode import assign, shown
from services.gateway.routes import Route

_BOOLEANS = {"true": True, "false": False}


def decode_query(route: Route, message: Any, query: MultiDict[str, str]) -> Iterator[Violation]:
    """Sets the fields that the query names, in either form (`pageSize`, `page_size`), and yields what is wrong."""
    given: dict[str, str] = {}
    for name, texts in query.lists():
        field = _field(route, name)
        if field is None:
            yield Violation(shown(name), "unknown_parameter", f"is not a parameter here{_known(route)}")
        elif field.name in given or (len(texts) > 1 and not field.is_repeated):
            yield Violation(field.json_name, "duplicate", "is given more than once")
        else:
            given[field.name] = name
            values = [_value(field, text) for text in texts]
            yield from assign(message, field, values if field.is_repeated else values[0], field.json_name)


def _field(route: Route, name: str) -> FieldDescriptor | None:
    return next((field for field in route.query if name in (field.json_name, field.name)), None)


def _known(route: Route) -> str:
    names = ", ".join(field.json_name for field in route.query)
    return f"; there are: {names}" if names else ", and there are none"


def _value(field: FieldDescriptor, text: str) -> object:
    """The JSON value that the text stands for; what stands for none is left for the field's type to refuse."""
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return _BOOLEANS.get(text, text)
    return text

"""Whether a request keeps the contract's rules: required fields, names, field rules. One answer names them all."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import protovalidate
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from services.chassis.caller import Caller, Kind
from services.chassis.contract import Method, is_required
from services.chassis.errors import Invalid, Violation
from services.chassis.masks import in_mask, mask_violations, paths_to_update
from services.chassis.names import ANY
from services.chassis.rule_words import words
from services.chassis.times import impossible

MOST_VIOLATIONS = 20
"""An answer that names more would outgrow what clients accept as an error."""
_LONGEST_PATH = 128

_validator = protovalidate.Validator()


def validate(method: Method, request: Message, caller: Caller) -> tuple[str, ...]:
    """The fields that an update is to write, or `Invalid` with every broken rule, in the order of the fields' paths.

    For an update, fields of the resource outside the mask do not count: they are neither written nor judged.
    """
    paths = paths_to_update(method, request)
    found = [
        *_missing(method, request),
        *_misnamed(method, request, caller),
        *impossible(request, method.descriptor.input_type),
        *broken_rules(request),
    ]
    if method.updated is not None:
        found = [violation for violation in found if _counts(violation.field, method.updated, paths)]
    found = [*mask_violations(method, request, paths), *found]
    if found:
        # One violation a field is enough, but each wrong path of a mask is a mistake of its own.
        unique = {(v.field, v.description if v.rule == "field_mask" else ""): v for v in reversed(found)}
        ordered = [unique[key] for key in sorted(unique)][:MOST_VIOLATIONS]
        raise Invalid(
            "; ".join(f"{violation.field}: {violation.description}" for violation in ordered),
            violations=ordered,
        )
    return paths


def _counts(field: str, resource: str, paths: tuple[str, ...]) -> bool:
    prefix = resource + "."
    if not field.startswith(prefix) or field in (prefix + "name", prefix + "etag"):
        return True
    return in_mask(field.removeprefix(prefix), paths)


def _missing(method: Method, request: Message) -> Iterator[Violation]:
    yield from _missing_in(request, method.descriptor.input_type, "")
    if method.updated and not getattr(request, method.updated).name:
        yield Violation(f"{method.updated}.name", "required", "must be given")


def _missing_in(message: Any, descriptor: Descriptor, prefix: str) -> Iterator[Violation]:
    for field in _holding_required(descriptor):
        path = prefix + field.name
        value = getattr(message, field.name)
        inner = field.message_type
        if inner is None or (field.is_repeated and not value):
            present = message.HasField(field.name) if field.has_presence else bool(value)
        elif field.is_repeated:
            present = True
            if not inner.GetOptions().map_entry:
                for n, item in enumerate(value):
                    yield from _missing_in(item, inner, f"{path}[{n}].")
        else:
            present = message.HasField(field.name)
            if present:
                yield from _missing_in(value, inner, path + ".")
        if is_required(field) and not present:
            yield Violation(path, "required", "must be given")


@cache
def _holding_required(descriptor: Descriptor) -> tuple[FieldDescriptor, ...]:
    """The fields that are required, or in which something may be."""
    return tuple(field for field in descriptor.fields if is_required(field) or field.message_type is not None)


def _misnamed(method: Method, request: Message, caller: Caller) -> Iterator[Violation]:
    for name in method.names:
        value = name.value(request)
        if not value:
            continue
        found = name.pattern.parse(value)
        # The wildcard leaves something to look for, such as a shop's public id; alone it names nobody (AIP-159).
        if found is None or any(
            part == ANY
            and variable not in method.wildcards
            and not (variable == "company" and len(found) > 1 and caller.kind is Kind.INTERNAL)
            for variable, part in found.items()
        ):
            yield Violation(name.dotted, "resource_name", f"must look like {name.pattern.text}")


def broken_rules(message: Message) -> Iterator[Violation]:
    """The rules of the message's fields that it breaks."""
    for violation in _validator.collect_violations(message):
        proto = violation.proto
        said = words(proto.rule_id, violation.rule_value, proto.message)
        yield Violation(_path(proto.field), proto.rule_id, said)


def _path(field: Any) -> str:
    path = ""
    for element in field.elements if field else ():
        path += ("." if path else "") + element.field_name
        subscript = element.subscript
        if subscript is not None:
            path += f"[{subscript.value}]"
    return path[:_LONGEST_PATH] or "request"

"""Rules of fields (protovalidate, field behaviour) as keywords of JSON Schema 2020-12."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from google.api import field_behavior_pb2, resource_pb2
from google.protobuf.descriptor import FieldDescriptor

from buf.validate import validate_pb2
from services.chassis.contract import PATTERNS, behaviors

Schema = dict[str, Any]

_FORMATS = {
    "email": "email",
    "uri": "uri",
    "uri_ref": "uri-reference",
    "hostname": "hostname",
    "ipv4": "ipv4",
    "ipv6": "ipv6",
    "uuid": "uuid",
}
_STRING = {"min_len": "minLength", "max_len": "maxLength", "pattern": "pattern"}
_NUMBER = {"gte": "minimum", "gt": "exclusiveMinimum", "lte": "maximum", "lt": "exclusiveMaximum"}
_LIST = {"min_items": "minItems", "max_items": "maxItems", "unique": "uniqueItems"}
_MAP = {"min_pairs": "minProperties", "max_pairs": "maxProperties"}
_NUMERIC = ("int32", "uint32", "sint32", "int64", "uint64", "sint64", "float", "double")


def rules_of(field: FieldDescriptor) -> Any:
    """The `buf.validate.field` of a field."""
    return field.GetOptions().Extensions[validate_pb2.field]


def constrained(schema: Schema, rules: Any) -> Schema:
    """The schema of a value, with the keywords of its rules; an exempted empty value is an alternative."""
    keywords: Schema = {}
    kind = rules.WhichOneof("type")
    if kind == "string":
        keywords.update(_string(rules.string))
    elif kind in _NUMERIC:
        keywords.update(_chosen(getattr(rules, kind), _NUMBER))
    elif kind == "map":
        keywords.update(_chosen(rules.map, _MAP))
    elif kind == "repeated":
        keywords.update(_chosen(rules.repeated, _LIST))
        schema = {**schema, "items": constrained(schema["items"], rules.repeated.items)}
    if keywords and kind == "string" and rules.ignore == validate_pb2.IGNORE_IF_ZERO_VALUE:
        return {**schema, "anyOf": [{"const": ""}, keywords]}
    return {**schema, **keywords}


def sentences(rules: Any) -> list[str]:
    """Rules that JSON Schema cannot say, in words."""
    said = [rule.message for rule in rules.cel]
    if rules.WhichOneof("type") == "string":
        said += _of_our_own(rules.string)
        if _is_foreign(rules.string.pattern):
            said.append(f"must match `{rules.string.pattern}`, in the syntax of RE2")
    return [f"It {sentence}." for sentence in said]


def written_by(field: FieldDescriptor) -> Schema:
    """Who writes the field, and when."""
    found = behaviors(field)
    schema: Schema = {}
    if found & {field_behavior_pb2.OUTPUT_ONLY, field_behavior_pb2.IDENTIFIER}:
        schema["readOnly"] = True
    if field_behavior_pb2.INPUT_ONLY in found:
        schema["writeOnly"] = True
    if field_behavior_pb2.IMMUTABLE in found:
        schema["x-immutable"] = True
    return schema


def name_pattern(field: FieldDescriptor) -> Schema:
    """What a field that holds a resource name looks like."""
    reference = field.GetOptions().Extensions[resource_pb2.resource_reference]
    if reference.type:
        return {"x-resource": PATTERNS[reference.type].text}
    if reference.child_type:
        return {"x-resource": PATTERNS[reference.child_type].parent.text}
    return {}


def _chosen(rules: Any, keywords: dict[str, str]) -> Schema:
    return {keyword: getattr(rules, name) for name, keyword in keywords.items() if rules.HasField(name)}


def _string(rules: Any) -> Schema:
    schema = _chosen(rules, _STRING)
    if _is_foreign(rules.pattern):
        del schema["pattern"]
    schema.update(_format(rules))
    among = list(getattr(rules, "in"))
    if among:
        schema["enum"] = among
    if rules.HasField("const"):
        schema["const"] = rules.const
    return schema


def _of_our_own(rules: Any) -> Iterator[str]:
    """Messages of the rules that `comptoir.options.v1` adds."""
    for rule, value in rules.ListFields():
        if rule.is_extension and value:
            yield from (cel.message for cel in rule.GetOptions().Extensions[validate_pb2.predefined].cel)


def _is_foreign(pattern: str) -> bool:
    """Whether the pattern names classes of Unicode, which many readers of JSON Schema cannot."""
    return "\\p{" in pattern


def _format(rules: Any) -> Iterator[tuple[str, str]]:
    for name, form in _FORMATS.items():
        if rules.HasField(name) and getattr(rules, name):
            yield "format", form

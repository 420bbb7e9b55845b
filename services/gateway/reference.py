"""The reference as data for its page: the OpenAPI document, arranged for reading."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

_VERBS = ("get", "post", "put", "patch", "delete")
_INLINE = re.compile(r"`([^`]+)`|\*\*([^*]+)\*\*")


@dataclass(frozen=True)
class Operation:
    """One operation: its address, what OpenAPI says of it, an example to paste into a shell."""

    verb: str
    path: str
    details: dict[str, Any]
    body: str
    """Name of the schema of its body; empty if there is none."""
    answer: str
    curl: str


@dataclass(frozen=True)
class Group:
    """The operations of one service."""

    name: str
    description: str
    operations: list[Operation]


@dataclass(frozen=True)
class Row:
    """One field of a schema."""

    name: str
    kind: str
    schema: str
    """Name of the schema that it refers to; empty if none."""
    remarks: str
    description: str


def groups(api: dict[str, Any]) -> list[Group]:
    """Operations by service, in the contract's order."""
    found = {tag["name"]: Group(tag["name"], tag["description"], []) for tag in api["tags"]}
    for path, item in api["paths"].items():
        for verb in _VERBS:
            if verb in item:
                found[item[verb]["tags"][0]].operations.append(_operation(api, verb, path, item[verb]))
    return list(found.values())


def schema_rows(api: dict[str, Any]) -> dict[str, tuple[str, list[Row]]]:
    """For each schema its description and fields."""
    return {
        name: (schema.get("description", ""), list(_rows(schema)))
        for name, schema in api["components"]["schemas"].items()
    }


def styled(text: str) -> Markup:
    """Text with `code` and **emphasis** as HTML; everything else escaped."""
    found = Markup("")
    last = 0
    for match in _INLINE.finditer(text):
        found += escape(text[last : match.start()])
        code, strong = match.groups()
        found += (
            Markup("<code>{}</code>").format(code) if code else Markup("<strong>{}</strong>").format(strong)
        )
        last = match.end()
    return found + escape(text[last:])


def _operation(api: dict[str, Any], verb: str, path: str, details: dict[str, Any]) -> Operation:
    answer = details["responses"]["200"]["content"]
    return Operation(
        verb.upper(),
        path,
        details,
        _referred(_content(details).get("schema", {})),
        _referred(answer.get("application/json", {}).get("schema", {})),
        _curl(api["servers"][0]["url"], verb, path, details),
    )


def _content(details: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = details.get("requestBody", {}).get("content", {}).get("application/json", {})
    return found


def _curl(origin: str, verb: str, path: str, details: dict[str, Any]) -> str:
    for parameter in details["parameters"]:
        if parameter["in"] == "path":
            path = path.replace("{" + parameter["name"] + "}", parameter.get("example", "…"))
    lines = [f"curl -X {verb.upper()} '{origin}{path}'"]
    if details["security"]:
        lines.append('  -H "Authorization: Bearer $TOKEN"')
    if "requestBody" in details:
        example = _content(details).get("example")
        if example is None:
            lines += ["  -H 'Content-Type: image/png'", "  --data-binary @logo.png"]
        else:
            text = json.dumps(example, ensure_ascii=False).replace("'", "'\\''")
            lines += ["  -H 'Content-Type: application/json'", f"  -d '{text}'"]
    return " \\\n".join(lines)


def _rows(schema: dict[str, Any]) -> Iterator[Row]:
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        items = field.get("items", field)
        kind = _referred(items) or _kind(items)
        yield Row(
            name,
            f"array of {kind}" if field.get("type") == "array" else kind,
            _referred(items),
            "; ".join(_remarks(field, name in required)),
            field.get("description", ""),
        )


def _kind(schema: dict[str, Any]) -> str:
    return str(schema.get("format") or schema.get("contentEncoding") or schema.get("type", "any"))


def _remarks(field: dict[str, Any], is_required: bool) -> Iterator[str]:
    if field.get("readOnly"):
        yield "read only"
    elif is_required:
        yield "required"
    if field.get("x-immutable"):
        yield "set once"
    for holder in (field, *field.get("anyOf", ())):
        for keyword, words in _LIMITS.items():
            if keyword in holder:
                yield words.format(holder[keyword])
        if "enum" in holder:
            yield "one of " + ", ".join(map(str, holder["enum"]))


def _referred(schema: dict[str, Any]) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]


_LIMITS = {
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "x-resource": "like {}",
}

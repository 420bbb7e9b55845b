"""Unmistakable words in every text that a company can have, put there by the contract's own description."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import protovalidate
from google.api import resource_pb2
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from services.chassis.contract import is_output
from services.chassis.errors import Invalid

Leaf = tuple[Message, FieldDescriptor, int | None]
"""A text: the message that it is in, its field, and its place if that is a list."""


def leaves(message: Message) -> Iterator[tuple[str, Leaf]]:
    """Every text that is there, with its path as violations have it."""
    for field, value in message.ListFields():
        if is_output(field):
            continue
        if message.DESCRIPTOR.full_name.startswith("google."):
            return
        entry = field.message_type is not None and field.message_type.GetOptions().map_entry
        if field.type == FieldDescriptor.TYPE_STRING:
            places: list[int | None] = list(range(len(value))) if field.is_repeated else [None]
            yield from ((_path(field, place), (message, field, place)) for place in places)
        elif field.message_type is not None and not entry:
            for place, inner in enumerate(value if field.is_repeated else [value]):
                for path, leaf in leaves(inner):
                    yield f"{_path(field, place if field.is_repeated else None)}.{path}", leaf


def _path(field: FieldDescriptor, place: int | None) -> str:
    return field.name if place is None else f"{field.name}[{place}]"


def read(leaf: Leaf) -> str:
    message, field, place = leaf
    value: Any = getattr(message, field.name)
    return str(value if place is None else value[place])


def write(leaf: Leaf, text: str) -> None:
    message, field, place = leaf
    if place is None:
        setattr(message, field.name, text)
    else:
        getattr(message, field.name)[place] = text


def sown(request: Message, mark: str, send: Callable[[Message], Message]) -> Message:
    """What the request answers with the mark in each of its texts that takes one."""
    before: dict[str, str] = {}
    for path, leaf in leaves(request):
        if _is_free(leaf):
            before[path] = read(leaf)
            _mark(request, leaf, mark)
    try:
        return send(request)
    except Invalid as refused:
        # A rule that only the service knows, such as a check digit.
        at = dict(leaves(request))
        for violation in refused.violations:
            if violation.field in before:
                write(at[violation.field], before[violation.field])
        return send(request)


def _is_free(leaf: Leaf) -> bool:
    _, field, _ = leaf
    options, text = field.GetOptions(), read(leaf)
    if options.Extensions[resource_pb2.resource_reference].ByteSize() or field.name == "name":
        return False
    is_word = len(text) > 2 and re.search("[a-z]", text) is not None
    return is_word and "password" not in field.name and ("/" not in text or "://" in text)


def _mark(request: Message, leaf: Leaf, mark: str) -> None:
    text = read(leaf)
    if "@" in text:
        tries = [f"{mark}@{mark}.example"]
    elif "://" in text:
        tries = [f"https://{mark}.example"]
    else:
        tries = [f"{text} {mark}", f"{mark}{text}", mark]
    # Of an update only a part is there, which the rules of the whole may refuse anyway.
    before = len(protovalidate.collect_violations(request))
    for each in tries:
        write(leaf, each)
        if len(protovalidate.collect_violations(request)) <= before:
            return
    write(leaf, text)

"""What the contract says in its comments, by the full name of what they stand at.

They are not in the generated code: `protos/generate.py` writes them into `contract.binpb`, beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

from comptoir.options.v1 import policy_pb2
from services.chassis.contract import ContractError
from services.gateway.scalars import camel_case

_NAME = "contract.binpb"
# Numbers of the fields of descriptor.proto that a path to a comment goes by.
_MESSAGES, _ENUMS, _SERVICES = 4, 5, 6
_FIELDS, _NESTED, _NESTED_ENUMS, _VALUES, _METHODS = 2, 3, 4, 2, 2
_ROWS = re.compile(r"\s*\((?:[A-Z]{2}\d+(?:, | and | to )?)+\)")
_QUOTED = re.compile(r"`(\w+)`")


@cache
def comments() -> Mapping[str, str]:
    """Every comment; a value of an enum is named below its enum. Raises `ContractError` if they are missing."""
    files = FileDescriptorSet.FromString(_located().read_bytes()).file
    ours = [file for file in files if file.package.startswith("comptoir.")]
    names = {f.name for file in ours for message in file.message_type for f in message.field if "_" in f.name}
    return {name: _public(text, names) for file in ours for name, text in _of(file)}


def _located() -> Path:
    """Beside the package `comptoir`, or in it."""
    package = Path(policy_pb2.__file__).parents[2]
    for directory in (package, package.parent):
        if (directory / _NAME).is_file():
            return directory / _NAME
    raise ContractError(f"{_NAME} is missing: run protos/generate.py")


def _of(file: FileDescriptorProto) -> Iterator[tuple[str, str]]:
    found = {tuple(location.path): location.leading_comments for location in file.source_code_info.location}
    for path, name in _named(file):
        text = found.get(path, "")
        if text:
            yield name, text


def _named(file: FileDescriptorProto) -> Iterator[tuple[tuple[int, ...], str]]:
    for n, service in enumerate(file.service):
        name = f"{file.package}.{service.name}"
        yield (_SERVICES, n), name
        for m, method in enumerate(service.method):
            yield (_SERVICES, n, _METHODS, m), f"{name}.{method.name}"
    for n, enum in enumerate(file.enum_type):
        yield from _enum(enum, (_ENUMS, n), file.package)
    for n, message in enumerate(file.message_type):
        yield from _message(message, (_MESSAGES, n), file.package)


def _message(message: Any, path: tuple[int, ...], scope: str) -> Iterator[tuple[tuple[int, ...], str]]:
    name = f"{scope}.{message.name}"
    yield path, name
    for n, field in enumerate(message.field):
        yield (*path, _FIELDS, n), f"{name}.{field.name}"
    for n, nested in enumerate(message.nested_type):
        yield from _message(nested, (*path, _NESTED, n), name)
    for n, enum in enumerate(message.enum_type):
        yield from _enum(enum, (*path, _NESTED_ENUMS, n), name)


def _enum(enum: Any, path: tuple[int, ...], scope: str) -> Iterator[tuple[tuple[int, ...], str]]:
    name = f"{scope}.{enum.name}"
    yield path, name
    for n, value in enumerate(enum.value):
        yield (*path, _VALUES, n), f"{name}.{value.name}"


def _public(text: str, names: set[str]) -> str:
    """One paragraph, for readers who see JSON and no requirement rows."""
    line = _ROWS.sub("", " ".join(text.split()))
    return _QUOTED.sub(lambda found: f"`{camel_case(found[1])}`" if found[1] in names else found[0], line)

"""Makes the part of the contract that `comptoir-client` ships: what its methods need, and nothing else.

Options and comments are left out, and with them the imports that declare them: so the client needs no further package,
and its copy of the contract says nothing that the platform's own does not.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    MessageOptions,
    ServiceDescriptorProto,
)
from google.rpc import error_details_pb2, status_pb2

PROTOS = Path(__file__).parent
SHIPPED = PROTOS.parent / "clients" / "python" / "comptoir_client" / "contract.binpb"
METHODS = (
    "comptoir.changes.v1.FeedService.WatchChanges",
    "comptoir.company.v1.CompanyService.GetCompany",
    "comptoir.shop.v1.ShopService.GetShop",
    "comptoir.shop.v1.SignatureService.SignForm",
    "comptoir.shop.v1.SignatureService.SignAnswer",
    "comptoir.shop.v1.SignatureService.VerifyForm",
    "comptoir.shop.v1.SignatureService.VerifyAnswer",
    "comptoir.shop.v1.SignatureService.VerifyCredentials",
)
"""What internal services call through the client."""
MESSAGES = (
    "google.rpc.Status",
    "google.rpc.ErrorInfo",
    "google.rpc.BadRequest",
    "google.rpc.RetryInfo",
    "google.rpc.RequestInfo",
)
"""What errors come as (AIP-193)."""


def write(path: Path, contract: Path = PROTOS / "gen" / "comptoir" / "contract.binpb") -> None:
    """Writes the part that is shipped, made from the whole contract."""
    whole = FileDescriptorSet.FromString(contract.read_bytes())
    for module in (error_details_pb2, status_pb2):
        module.DESCRIPTOR.CopyToProto(whole.file.add())
    path.write_bytes(_pruned(whole).SerializeToString(deterministic=True))


def _pruned(whole: FileDescriptorSet) -> FileDescriptorSet:
    files = {file.name: file for file in whole.file}
    needed = {f".{name}" for name in MESSAGES}
    for file in files.values():
        for service in file.service:
            _keep_methods(file, service)
            for method in service.method:
                needed |= {method.input_type, method.output_type}
    types = {name: message for file in files.values() for name, message in _types(file)}
    waiting = list(needed)
    while waiting:
        found = types[waiting.pop()]
        for name in _used(found) - needed:
            needed.add(name)
            waiting.append(name)
    homes = {name: file.name for file in files.values() for name, _ in _types(file)}
    kept = [_kept(file, needed, homes) for file in files.values()]
    return FileDescriptorSet(file=[file for file in kept if file.message_type or file.enum_type])


def _keep_methods(file: FileDescriptorProto, service: ServiceDescriptorProto) -> None:
    path = f"{file.package}.{service.name}"
    kept = [method for method in service.method if f"{path}.{method.name}" in METHODS]
    del service.method[:]
    service.method.extend(kept)


def _types(file: FileDescriptorProto) -> Iterator[tuple[str, DescriptorProto | EnumDescriptorProto]]:
    """Every type on the file's top level, by its full name; nested ones stay with theirs."""
    for message in file.message_type:
        yield f".{file.package}.{message.name}", message
    for enum in file.enum_type:
        yield f".{file.package}.{enum.name}", enum


def _used(found: DescriptorProto | EnumDescriptorProto) -> set[str]:
    """The top-level types that a type's fields are of."""
    if isinstance(found, EnumDescriptorProto):
        return set()
    used = {_top(field) for field in found.field if field.type_name}
    return used.union(*(_used(nested) for nested in found.nested_type)) if found.nested_type else used


def _top(field: FieldDescriptorProto) -> str:
    parts = field.type_name.split(".")
    first = next(place for place, part in enumerate(parts) if part[:1].isupper())
    return ".".join(parts[: first + 1])


def _kept(file: FileDescriptorProto, needed: set[str], homes: dict[str, str]) -> FileDescriptorProto:
    prefix = f".{file.package}."
    kept = FileDescriptorProto(name=file.name, package=file.package, syntax=file.syntax)
    kept.message_type.extend(each for each in file.message_type if prefix + each.name in needed)
    kept.enum_type.extend(each for each in file.enum_type if prefix + each.name in needed)
    kept.service.extend(each for each in file.service if each.method)
    for message in kept.message_type:
        _bare(message)
    for enum in kept.enum_type:
        _bare_enum(enum)
    used = set().union(*(_used(each) for each in kept.message_type))
    for service in kept.service:
        service.ClearField("options")
        for method in service.method:
            method.ClearField("options")
            used |= {method.input_type, method.output_type}
    kept.dependency.extend(sorted({homes[name] for name in used} - {file.name}))
    return kept


def _bare(message: DescriptorProto) -> None:
    """The message without options, but for what makes a map of it."""
    is_map = message.options.map_entry
    message.ClearField("options")
    if is_map:
        message.options.CopyFrom(MessageOptions(map_entry=True))
    for part in (*message.field, *message.oneof_decl):
        part.ClearField("options")
    for enum in message.enum_type:
        _bare_enum(enum)
    for nested in message.nested_type:
        _bare(nested)


def _bare_enum(enum: EnumDescriptorProto) -> None:
    enum.ClearField("options")
    for value in enum.value:
        value.ClearField("options")


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else SHIPPED)

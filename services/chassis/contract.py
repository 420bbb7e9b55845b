"""The contract as the code reads it: one `Method` for each RPC, made from its descriptor and options.

Everything public derives from this: routes, OpenAPI, permission check, validation, generated tests. A method that
lacks a declaration makes `load` fail, and so keeps its service from starting.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from google.api import annotations_pb2, field_behavior_pb2, http_pb2, resource_pb2
from google.protobuf import descriptor_pb2, json_format, message_factory
from google.protobuf.descriptor import (
    Descriptor,
    FieldDescriptor,
    FileDescriptor,
    MethodDescriptor,
    ServiceDescriptor,
)
from google.protobuf.message import Message

from comptoir.changes.v1 import feed_pb2
from comptoir.company.v1 import company_pb2
from comptoir.identity.v1 import (
    application_pb2,
    enrolment_pb2,
    factor_pb2,
    invitation_pb2,
    mail_pb2,
    membership_pb2,
    oauth_pb2,
    password_pb2,
    session_pb2,
    user_pb2,
    user_session_pb2,
)
from comptoir.inbox.v1 import message_pb2
from comptoir.media.v1 import logo_pb2
from comptoir.options.v1 import policy_pb2
from comptoir.shop.v1 import go_live_pb2, key_pb2, rules_pb2, shop_pb2, signature_pb2
from services.chassis.completeness import problems
from services.chassis.names import Pattern

FILES: tuple[FileDescriptor, ...] = tuple(
    module.DESCRIPTOR
    for module in (
        application_pb2,
        company_pb2,
        enrolment_pb2,
        factor_pb2,
        feed_pb2,
        invitation_pb2,
        mail_pb2,
        membership_pb2,
        oauth_pb2,
        password_pb2,
        session_pb2,
        user_pb2,
        user_session_pb2,
        message_pb2,
        logo_pb2,
        go_live_pb2,
        key_pb2,
        rules_pb2,
        shop_pb2,
        signature_pb2,
    )
)
"""Every file of the contract that declares a service."""


class ContractError(Exception):
    """The contract lacks declarations; the message lists all of them."""


@dataclass(frozen=True)
class NameField:
    """A field of the request that holds a resource name: its path, and the pattern it must have."""

    path: tuple[str, ...]
    pattern: Pattern

    def value(self, request: Message) -> str:
        found: Any = request
        for step in self.path:
            found = getattr(found, step)
        return str(found)

    @property
    def dotted(self) -> str:
        return ".".join(self.path)


@dataclass(frozen=True)
class Method:
    """One RPC and what it declares."""

    descriptor: MethodDescriptor

    @cached_property
    def service(self) -> str:
        """Full name of its service."""
        return str(self.descriptor.containing_service.full_name)

    @cached_property
    def name(self) -> str:
        return str(self.descriptor.name)

    @cached_property
    def path(self) -> str:
        """Path on the wire: `/package.Service/Method`."""
        return f"/{self.service}/{self.name}"

    @cached_property
    def handler(self) -> str:
        """Name of the function that serves it: `UpdateShop` is `update_shop`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", self.name).lower()

    @cached_property
    def request(self) -> type[Message]:
        return message_factory.GetMessageClass(self.descriptor.input_type)

    @cached_property
    def response(self) -> type[Message]:
        return message_factory.GetMessageClass(self.descriptor.output_type)

    @cached_property
    def options(self) -> descriptor_pb2.MethodOptions:
        return self.descriptor.GetOptions()

    @cached_property
    def policy(self) -> policy_pb2.MethodPolicy:
        return self.options.Extensions[policy_pb2.policy]

    @cached_property
    def callers(self) -> frozenset[int]:
        return frozenset(self.policy.callers)

    @cached_property
    def discloses(self) -> bool:
        """Whether it shows a secret to somebody who proves anew who they are: each time is checked and recorded."""
        return self.policy.secret_reply and self.policy.proof == policy_pb2.PROOF_FRESH

    @cached_property
    def wildcards(self) -> frozenset[str]:
        """Parts of names for which people too may write the wildcard."""
        return frozenset(self.policy.wildcards)

    @cached_property
    def reads_only(self) -> bool:
        return self.options.idempotency_level == descriptor_pb2.MethodOptions.NO_SIDE_EFFECTS

    @cached_property
    def routes(self) -> tuple[http_pb2.HttpRule, ...]:
        """REST bindings, the principal one first."""
        rule = self.options.Extensions[annotations_pb2.http]
        return (rule, *rule.additional_bindings) if rule.WhichOneof("pattern") else ()

    @cached_property
    def names(self) -> tuple[NameField, ...]:
        """Fields of the request that hold resource names; the first is the one the call is about."""
        return tuple(_name_fields(self.descriptor.input_type, (), frozenset()))

    @cached_property
    def updated(self) -> str | None:
        """The field that holds the resource to change, if this method takes an update mask (AIP-134)."""
        fields = self.descriptor.input_type.fields_by_name
        if "update_mask" not in fields:
            return None
        return next(name for name, field in fields.items() if _resource(field.message_type) is not None)

    @cached_property
    def field_rights(self) -> dict[str, str]:
        """Of an update: the fields that take a further right to change, each with that."""
        fields = self.written[self.updated].fields if self.updated else ()
        asked = {field.name: _change_permission(field) for field in fields}
        return {name: right for name, right in asked.items() if right}

    @cached_property
    def proved_fields(self) -> frozenset[str]:
        """Fields of the resource to make or to change that only somebody writes who has just proved who they are."""
        fields = (field for resource in self.written.values() for field in resource.fields)
        return frozenset(field.name for field in fields if _is_proved(field))

    @cached_property
    def proved_values(self) -> tuple[tuple[str, str, dict[int, str]], ...]:
        """Fields of resources in the request, with the values that only such a person gives them and their names."""
        parts = ((part, field) for part, resource in self.written.items() for field in resource.fields)
        found = ((part, field.name, _proved_values(field)) for part, field in parts if not is_output(field))
        return tuple(each for each in found if each[2])

    @cached_property
    def written(self) -> dict[str, Descriptor]:
        """Fields of the request that hold a resource to make or to change, each with its message."""
        fields = () if self.reads_only else self.descriptor.input_type.fields
        return {
            field.name: field.message_type
            for field in fields
            if field.message_type is not None and not field.is_repeated and _resource(field.message_type)
        }

    @cached_property
    def created(self) -> bool:
        """Whether the resource in the request is new, so that its name is not expected."""
        return self.name.startswith("Create")

    def example(self) -> Message:
        """The example request."""
        return json_format.Parse(self.policy.example, self.request())


@cache
def behaviors(field: FieldDescriptor) -> frozenset[int]:
    """The `google.api.field_behavior` of a field."""
    return frozenset(field.GetOptions().Extensions[field_behavior_pb2.field_behavior])


def is_output(field: FieldDescriptor) -> bool:
    """Whether only the service writes the field."""
    return field_behavior_pb2.OUTPUT_ONLY in behaviors(field)


def _change_permission(field: FieldDescriptor) -> str:
    right: str = field.GetOptions().Extensions[policy_pb2.change_permission]
    return right


def _is_proved(field: FieldDescriptor) -> bool:
    return bool(field.GetOptions().Extensions[policy_pb2.change_proof] == policy_pb2.PROOF_FRESH)


def _proved_values(field: FieldDescriptor) -> dict[int, str]:
    values = field.enum_type.values if field.enum_type is not None else ()
    proof, fresh = policy_pb2.given_proof, policy_pb2.PROOF_FRESH
    return {each.number: each.name for each in values if each.GetOptions().Extensions[proof] == fresh}


def is_required(field: FieldDescriptor) -> bool:
    return field_behavior_pb2.REQUIRED in behaviors(field)


def _resource(message: Descriptor | None) -> str | None:
    """Type of the resource that the message is, if it is one."""
    if message is None:
        return None
    return message.GetOptions().Extensions[resource_pb2.resource].type or None


RESOURCES: dict[str, Descriptor] = {
    kind: message
    for file in FILES
    for message in file.message_types_by_name.values()
    if (kind := _resource(message))
}
"""The message of every resource type."""

PATTERNS: dict[str, Pattern] = {
    each.type: Pattern(each.pattern[0])
    for each in (
        *(message.GetOptions().Extensions[resource_pb2.resource] for message in RESOURCES.values()),
        *(each for file in FILES for each in file.GetOptions().Extensions[resource_pb2.resource_definition]),
    )
}
"""Pattern of every resource type, those included whose message is another package's, such as changes."""


def _name_fields(message: Descriptor, prefix: tuple[str, ...], seen: frozenset[str]) -> Iterator[NameField]:
    """Singular name fields of the request and of the resources in it, what only the service writes left out."""
    for field in message.fields:
        if is_output(field) or field.is_repeated:
            continue
        path = (*prefix, field.name)
        if field.type == FieldDescriptor.TYPE_STRING:
            reference = field.GetOptions().Extensions[resource_pb2.resource_reference]
            if reference.type:
                yield NameField(path, PATTERNS[reference.type])
            elif reference.child_type:
                yield NameField(path, PATTERNS[reference.child_type].parent)
            continue
        inner = field.message_type
        if inner is not None and _resource(inner) and inner.full_name not in seen:
            yield from _name_fields(inner, path, seen | {inner.full_name})


def methods(services: Iterable[ServiceDescriptor]) -> tuple[Method, ...]:
    """The methods of these services, all of them complete, or a `ContractError` that lists what they lack."""
    found = tuple(Method(descriptor) for service in services for descriptor in service.methods)
    lacking = [f"{method.path}: {problem}" for method in found for problem in problems(method)]
    if lacking:
        raise ContractError("The contract is incomplete:\n" + "\n".join(lacking))
    return found


def every_method() -> tuple[Method, ...]:
    """Every method of the suite."""
    return methods(service for file in FILES for service in file.services_by_name.values())

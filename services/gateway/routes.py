"""What REST serves: one `Route` for each `google.api.http` binding of the contract."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from google.protobuf.descriptor import FieldDescriptor

from comptoir.options.v1 import policy_pb2
from services.chassis.contract import ContractError, Method
from services.gateway.path_template import Template

WHOLE = "*"
"""The body that is the whole request."""
SCALAR_MESSAGES = frozenset(
    {"google.protobuf.FieldMask", "google.protobuf.Timestamp", "google.protobuf.Duration"}
)
"""Messages that are one string in JSON, and so can stand in a query."""
_VERBS = ("get", "put", "post", "patch", "delete")


@dataclass(frozen=True)
class Route:
    """One binding of one method."""

    method: Method
    verb: str
    template: Template
    body: str
    """Field that the body is, `*` for the whole request, empty for none."""
    number: int
    """0 for the principal binding of the method."""

    @property
    def endpoint(self) -> str:
        return f"{self.method.service}.{self.method.name}.{self.number}"

    @cached_property
    def label(self) -> str:
        """How it is called where requests are counted: verb and template."""
        return f"{self.verb} {self.template.text}"

    @cached_property
    def takes_bytes(self) -> bool:
        """Whether the body is a file as it is, of any media type."""
        field = self.method.descriptor.input_type.fields_by_name.get(self.body)
        return field is not None and field.type == FieldDescriptor.TYPE_BYTES

    @cached_property
    def is_public(self) -> bool:
        """Whether anybody may call without a token."""
        return policy_pb2.CALLER_KIND_ANONYMOUS in self.method.callers

    @cached_property
    def updates(self) -> bool:
        """Whether the body is the resource to change, so that the fields in it say which to change."""
        return self.body != "" and self.body == self.method.updated

    @cached_property
    def query(self) -> tuple[FieldDescriptor, ...]:
        """Fields that come in the query: what neither path nor body gives."""
        if self.body == WHOLE:
            return ()
        given = {self.body, *(path.split(".")[0] for path in self.template.variables)}
        return tuple(
            field
            for field in self.method.descriptor.input_type.fields
            if field.name not in given and _fits_a_query(field)
        )

    @cached_property
    def etag(self) -> tuple[str, ...]:
        """Path of the field that holds the version to compare (AIP-154); empty if nothing is compared."""
        message = self.method.descriptor.input_type
        updated = self.method.updated
        resource = message.fields_by_name[updated].message_type if updated else None
        if updated and resource is not None and "etag" in resource.fields_by_name:
            return (updated, "etag")
        return ("etag",) if "etag" in message.fields_by_name else ()

    @cached_property
    def names_beyond_path(self) -> bool:
        """Whether query or body may hold names too, which are to be authorised once they are read."""
        return any(name.dotted not in self.template.variables for name in self.method.names)


def _fits_a_query(field: FieldDescriptor) -> bool:
    message = field.message_type
    return message is None or (message.full_name in SCALAR_MESSAGES and not field.is_repeated)


def routes(methods: Iterable[Method]) -> tuple[Route, ...]:
    """Every binding of these methods."""
    return tuple(route for method in methods for route in _of(method))


def _of(method: Method) -> Iterable[Route]:
    for number, rule in enumerate(method.routes):
        verb = rule.WhichOneof("pattern")
        if verb not in _VERBS:
            raise ContractError(f"{method.path}: the binding {verb!r} is not served")
        yield Route(method, verb.upper(), Template(getattr(rule, verb)), rule.body, number)

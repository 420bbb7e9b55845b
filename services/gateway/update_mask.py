"""The fields that a PATCH means to change when it does not say so: those that stand in its body (AIP-134)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from google.api import field_behavior_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from services.chassis.contract import behaviors
from services.chassis.errors import Violation
from services.gateway.decode import fields_of
from services.gateway.routes import SCALAR_MESSAGES

_NEVER_WRITTEN = frozenset({field_behavior_pb2.OUTPUT_ONLY, field_behavior_pb2.IDENTIFIER})


def paths_in(body: Mapping[str, object], resource: Descriptor) -> tuple[list[str], list[Violation]]:
    """Paths of the fields present, and a violation for each one that cannot be changed.

    An object names only the fields in it, so `{"address": {"locality": "Nouméa"}}` keeps the street; an empty
    object and `null` name, and so empty, the whole.
    """
    found = list(_present(body, resource, "", ""))
    paths = [path for path, _, fixed in found if not fixed]
    return paths, [Violation(shown, "immutable", "cannot be changed") for _, shown, fixed in found if fixed]


def _present(
    value: Mapping[str, object], message: Descriptor, prefix: str, shown: str
) -> Iterator[tuple[str, str, bool]]:
    known = fields_of(message)
    for name, item in value.items():
        field = known.get(name)
        if field is None or behaviors(field) & _NEVER_WRITTEN or (not prefix and field.name == "etag"):
            continue
        path, label = prefix + field.name, shown + field.json_name
        if field_behavior_pb2.IMMUTABLE in behaviors(field):
            yield path, label, True
            continue
        parts = _parts(field)
        if parts is not None and isinstance(item, dict) and item:
            yield from _present(item, parts, path + ".", label + ".")
        else:
            yield path, label, False


def _parts(field: FieldDescriptor) -> Descriptor | None:
    """The message whose fields can be named one by one; None for what is replaced as a whole."""
    message = field.message_type
    if message is None or field.is_repeated or message.full_name in SCALAR_MESSAGES:
        return None
    return message

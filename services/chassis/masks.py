"""Field masks (AIP-134) and what they may touch: never what only the service writes, nor what cannot change."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from google.api import field_behavior_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from services.chassis.contract import Method, behaviors, is_output, is_required
from services.chassis.errors import Invalid, Violation

MOST_PATHS = 64
"""More than any resource has fields; what is checked for each path must not grow with the message."""
_SHOWN = 64
_OWN = {field_behavior_pb2.OUTPUT_ONLY, field_behavior_pb2.IDENTIFIER}
"""Behaviour of fields that a resource carries when it is sent back as it was read."""
FIXED = {*_OWN, field_behavior_pb2.IMMUTABLE}
"""Behaviour of fields that no update writes."""


def in_mask(path: str, mask: tuple[str, ...]) -> bool:
    """Whether the mask covers the path, by itself, by what contains it, or by something in it."""
    plain = path.split("[")[0]
    return any(plain == m or plain.startswith(m + ".") or m.startswith(plain + ".") for m in mask)


def paths_to_update(method: Method, request: Any) -> tuple[str, ...]:
    """The fields an update is to write: the mask's, or every populated one that may be written."""
    if method.updated is None:
        return ()
    paths = request.update_mask.paths
    if len(paths) > MOST_PATHS:
        raise Invalid.field("update_mask", "field_mask", f"names more than {MOST_PATHS} fields")
    if paths:
        return tuple(dict.fromkeys(paths))
    resource = getattr(request, method.updated)
    return tuple(field.name for field, _ in resource.ListFields() if _writable(field, method))


def names(method: Method, request: Any, field: str) -> bool:
    """Whether the request means to write the field: by what it holds, or as an update by its mask. Nothing of it is
    checked yet."""
    paths = request.update_mask.paths if method.updated else ()
    if paths:
        return any(path.partition(".")[0] == field for path in paths)
    parts = (method.updated,) if method.updated else method.written
    return any(each.name == field for part in parts for each, _ in getattr(request, part).ListFields())


def _writable(field: FieldDescriptor, method: Method) -> bool:
    if method.policy.corrects:
        return field.name in method.policy.corrects
    return not behaviors(field) & FIXED and field.name != "etag"


def mask_violations(method: Method, request: Any, paths: tuple[str, ...]) -> Iterator[Violation]:
    """Every path of the mask that does not exist, cannot be written, or would be emptied though it must not be.

    Without a mask, too, what a correction does not reach: passed over, it would seem to have been written.
    """
    if method.updated is None:
        return
    resource = getattr(request, method.updated)
    if method.policy.corrects and not request.update_mask.paths:
        yield from _uncorrected(resource, method)
    for path in paths:
        refused = _refused(resource.DESCRIPTOR, path, method)
        if refused:
            yield Violation("update_mask", "field_mask", f"names '{path[:_SHOWN]}', {refused}")
        elif _emptied(resource, path):
            yield Violation(f"{method.updated}.{path}", "required", "cannot be emptied")


def _uncorrected(resource: Any, method: Method) -> Iterator[Violation]:
    for field, _ in resource.ListFields():
        told_back = behaviors(field) & _OWN or field.name == "etag"
        if not told_back and not _writable(field, method):
            yield Violation(
                f"{method.updated}.{field.name}", "not_corrected", "is not corrected by this call"
            )


def _refused(descriptor: Descriptor, path: str, method: Method) -> str | None:
    current: Descriptor | None = descriptor
    for depth, step in enumerate(path.split(".")):
        field = current.fields_by_name.get(step) if current is not None else None
        if field is None:
            return "which is no field that can be masked"
        if (depth == 0 and not _writable(field, method)) or (depth and behaviors(field) & FIXED):
            return "which cannot be changed"
        current = field.message_type if not field.is_repeated else None
    return None


def merge(source: Any, target: Any, paths: tuple[str, ...]) -> None:
    """Copies the masked fields of one message over another, empty ones included (AIP-134)."""
    for path in paths:
        head, _, rest = path.partition(".")
        field = source.DESCRIPTOR.fields_by_name[head]
        if rest:
            merge(getattr(source, head), getattr(target, head), (rest,))
        elif field.is_repeated or field.type == FieldDescriptor.TYPE_MESSAGE:
            target.ClearField(head)
            if field.is_repeated:
                getattr(target, head).MergeFrom(getattr(source, head))
            elif source.HasField(head):
                getattr(target, head).CopyFrom(getattr(source, head))
                _clear_output(getattr(target, head))
        elif field.has_presence and not source.HasField(head):
            target.ClearField(head)
        else:
            setattr(target, head, getattr(source, head))


def _emptied(resource: Any, path: str) -> bool:
    """Whether the update would empty a required field or a choice."""
    *outer, last = path.split(".")
    for step in outer:
        resource = getattr(resource, step)
    field = resource.DESCRIPTOR.fields_by_name[last]
    if field.is_repeated or field.type == FieldDescriptor.TYPE_MESSAGE:
        return False
    return not getattr(resource, last) and (is_required(field) or field.type == FieldDescriptor.TYPE_ENUM)


def _clear_output(message: Any) -> None:
    """What only the service writes is never taken over, however deep in the message it came."""
    for field, _ in message.ListFields():
        if is_output(field):
            message.ClearField(field.name)

"""A change of another service as those who react to it are told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from google.protobuf.json_format import MessageToDict

from comptoir.changes.v1 import change_pb2, feed_pb2
from services.chassis.changes.recorder import CREATE, DELETE, UPDATE
from services.chassis.request_ids import request_id

_ACTIONS = {
    change_pb2.ACTION_CREATE: CREATE,
    change_pb2.ACTION_UPDATE: UPDATE,
    change_pb2.ACTION_DELETE: DELETE,
}


@dataclass(frozen=True)
class Told:
    """One change."""

    type: str
    resource: str
    action: str
    """CREATE, UPDATE or DELETE; empty for one that this version does not know."""
    fields: tuple[str, ...]
    state: Mapping[str, Any]
    """The published fields as they stand now; empty if the resource is gone, or shows none."""
    scope: str
    time: datetime
    actor: str
    on_behalf_of: str
    request_id: str
    method: str


def told(change: feed_pb2.FeedChange) -> Told:
    """The change as it came over the wire."""
    return Told(
        type=change.type,
        resource=change.resource,
        action=_ACTIONS.get(change.action, ""),
        fields=tuple(change.fields),
        state=MessageToDict(change.state) if change.HasField("state") else {},
        scope=change.scope,
        time=change.create_time.ToDatetime(UTC),
        actor=change.actor,
        on_behalf_of=change.on_behalf_of,
        request_id=change.request_id,
        method=change.method,
    )


def shown(resource: feed_pb2.Resource, source: str) -> Told:
    """A resource of a snapshot, told as if its service had just made it: who did, a snapshot does not say."""
    return Told(
        type=resource.type,
        resource=resource.name,
        action=CREATE,
        fields=(),
        state=MessageToDict(resource.state),
        scope="/".join(resource.name.split("/")[:2]),
        time=datetime.now(UTC),
        actor=f"services/{source}",
        on_behalf_of="",
        request_id=request_id(None),
        method="",
    )

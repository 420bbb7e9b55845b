"""A change of another service as those who react to it are told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from google.protobuf.json_format import MessageToDict

from comptoir.changes.v1 import change_pb2, feed_pb2
from services.chassis.changes.recorder import CREATE, DELETE, UPDATE

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

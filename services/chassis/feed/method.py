"""The one method of every feed."""

from __future__ import annotations

from comptoir.changes.v1 import feed_pb2
from services.chassis.contract import methods

SERVICE = feed_pb2.DESCRIPTOR.services_by_name["FeedService"]
METHOD = methods([SERVICE])[0]

"""What the inbox service is made of."""

from __future__ import annotations

from pathlib import Path

from comptoir.inbox.v1 import message_pb2
from services.chassis.mirrors.following import Reactions
from services.chassis.rpc.server import Handlers
from services.chassis.service import Resources, Service
from services.inbox import reactions
from services.inbox.api import MessageApi
from services.inbox.rows import MIRRORS, STANDING, TABLES, Base


def _handlers(resources: Resources) -> Handlers:
    return {message_pb2.DESCRIPTOR.services_by_name["MessageService"]: MessageApi()}


INBOX = Service(
    name="inbox",
    handlers=_handlers,
    metadata=Base.metadata,
    tables=TABLES,
    mirrors=MIRRORS,
    reactions=lambda _: Reactions(reactions.SOURCES, reactions.react),
    standing=STANDING,
    versions=Path(__file__).parent / "migrations",
)

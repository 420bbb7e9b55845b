"""Its one table beside those of every service."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.orm import DeclarativeBase

from services.chassis.db.rows import COLUMN_TYPES
from services.chassis.outbox.tables import OutboxRow
from services.chassis.service import Service
from services.chassis.tables import ChassisTables


class Base(DeclarativeBase):
    """Base of its mapped classes."""

    type_annotation_map = COLUMN_TYPES


class MailRow(OutboxRow, Base):
    """Mail that waits."""


POST = Service(
    name="post",
    handlers=lambda _: {},
    metadata=Base.metadata,
    tables=ChassisTables(Base.metadata),
    versions=Path(__file__).parent / "migrations",
)

"""The tables of the identity service, as one metadata."""

from __future__ import annotations

from sqlalchemy.orm import DeclarativeBase

from services.chassis.changes.tables import LogTables
from services.chassis.db.rows import COLUMN_TYPES, data_keys_table


class Base(DeclarativeBase):
    """Base of this service's mapped classes."""

    type_annotation_map = COLUMN_TYPES


CHANGES = LogTables(Base.metadata)
DATA_KEYS = data_keys_table(Base.metadata)

"""The tables of the identity service, as one metadata."""

from __future__ import annotations

from sqlalchemy.orm import DeclarativeBase

from services.chassis.db.rows import COLUMN_TYPES
from services.chassis.mirrors.kinds import Mirrors
from services.chassis.tables import ChassisTables


class Base(DeclarativeBase):
    """Base of this service's mapped classes."""

    type_annotation_map = COLUMN_TYPES


TABLES = ChassisTables(Base.metadata)
MIRRORS = Mirrors(Base.metadata, "known_companies", "company_policies", "password_policies")

"""One mapped class of each kind."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import ForeignKeyConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from services.chassis.db.rows import (
    COLUMN_TYPES,
    DirectoryRow,
    MembershipRow,
    PersonRow,
    PlatformRow,
    TenantRow,
)
from services.chassis.service import Service
from services.chassis.tables import ChassisTables


class Base(DeclarativeBase):
    """Base of the sample's mapped classes."""

    type_annotation_map = COLUMN_TYPES


class Note(TenantRow, Base):
    """A note of a company."""

    __tablename__ = "notes"

    note_id: Mapped[str] = mapped_column(primary_key=True)
    text: Mapped[str]
    lines: Mapped[list[Line]] = relationship(order_by="Line.line_id")


class Line(TenantRow, Base):
    """A line of a note."""

    __tablename__ = "lines"
    __table_args__ = (
        ForeignKeyConstraint(["company", "note_id"], ["notes.company", "notes.note_id"]),
        TenantRow.__table_args__,
    )

    note_id: Mapped[str] = mapped_column(primary_key=True)
    line_id: Mapped[str] = mapped_column(primary_key=True)
    text: Mapped[str]


class Diary(PersonRow, Base):
    """A person's diary."""

    __tablename__ = "diaries"

    text: Mapped[str]


class Seat(MembershipRow, Base):
    """A person's seat in a company."""

    __tablename__ = "seats"

    text: Mapped[str]


class Sign(DirectoryRow, Base):
    """Leads from a word to a company."""

    __tablename__ = "signs"

    word: Mapped[str] = mapped_column(primary_key=True)
    company: Mapped[str]


class Setting(PlatformRow, Base):
    """The platform's own."""

    __tablename__ = "settings"

    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]


SAMPLE = Service(
    name="sample",
    handlers=lambda _: {},
    metadata=Base.metadata,
    tables=ChassisTables(Base.metadata),
    versions=Path(__file__).parent / "migrations",
)

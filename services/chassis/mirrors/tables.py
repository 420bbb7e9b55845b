"""How far a service has followed each of the others, and which of its processes does."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from services.chassis.db.rows import TableClass
from services.chassis.db.schema import secure


def mirror_cursors_table(metadata: sa.MetaData) -> sa.Table:
    """The table in a service's metadata."""
    return sa.Table("mirror_cursors", metadata, *_columns(), info={"class": TableClass.PLATFORM})


def mirror_cursors(service: str) -> None:
    """The table in a migration."""
    op.create_table("mirror_cursors", *_columns())
    secure("mirror_cursors", TableClass.PLATFORM, service, "select, insert, update")


def _columns() -> list[sa.Column[object]]:
    return [
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("cursor", sa.Text, nullable=False),
        sa.Column("heard_time", sa.DateTime(timezone=True)),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True)),
    ]

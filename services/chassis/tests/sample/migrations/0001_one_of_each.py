"""One table of each class."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from services.chassis.db.rows import TableClass
from services.chassis.db.schema import secure
from services.chassis.tables import chassis_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = {
    "notes": (TableClass.TENANT, ("company", "note_id"), ("text",)),
    "lines": (TableClass.TENANT, ("company", "note_id", "line_id"), ("text",)),
    "diaries": (TableClass.PERSON, ("user_id",), ("text",)),
    "seats": (TableClass.MEMBERSHIP, ("company", "user_id"), ("text",)),
    "signs": (TableClass.DIRECTORY, ("word",), ("company",)),
    "settings": (TableClass.PLATFORM, ("key",), ("value",)),
}


def upgrade() -> None:
    chassis_tables("sample")
    for table, (kind, keys, columns) in _TABLES.items():
        op.create_table(
            table,
            *(sa.Column(name, sa.Text, primary_key=True) for name in keys),
            *(sa.Column(name, sa.Text, nullable=False) for name in columns),
        )
        secure(table, kind, "sample")
    op.create_foreign_key(None, "lines", "notes", ["company", "note_id"], ["company", "note_id"])

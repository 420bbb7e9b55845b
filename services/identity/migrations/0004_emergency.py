"""Links that were given to operators by hand."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from services.chassis.changes.ddl import recorded
from services.chassis.db.rows import TableClass
from services.chassis.db.schema import secure

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "emergency_accesses",
        sa.Column("user_id", sa.Text, primary_key=True),
        sa.Column("access_id", sa.Text, primary_key=True),
        sa.Column("given_by", sa.Text, nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.user_id"], ondelete="CASCADE"),
    )
    secure("emergency_accesses", TableClass.PERSON, "identity")
    recorded("emergency_accesses", "insert")

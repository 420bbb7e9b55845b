"""Messages and marks of having read them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from services.chassis.changes.ddl import recorded
from services.chassis.db.rows import TableClass
from services.chassis.db.schema import secure
from services.chassis.mirrors.kinds import mirror_table
from services.chassis.tables import chassis_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    chassis_tables("inbox")
    mirror_table("known_companies", "inbox")
    mirror_table("known_grants", "inbox")
    mirror_table("ended_sessions", "inbox")
    op.create_table(
        "messages",
        sa.Column("company", sa.Text, primary_key=True),
        sa.Column("message_id", sa.Text, primary_key=True),
        sa.Column("texts", postgresql.JSONB, nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Index("messages_by_time", "company", "create_time", "message_id"),
    )
    secure("messages", TableClass.TENANT, "inbox")
    recorded("messages")
    op.create_table(
        "read_marks",
        sa.Column("company", sa.Text, primary_key=True),
        sa.Column("message_id", sa.Text, primary_key=True),
        sa.Column("user_id", sa.Text, primary_key=True),
        sa.Column("read_time", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["company", "message_id"], ["messages.company", "messages.message_id"]),
    )
    secure("read_marks", TableClass.TENANT, "inbox")

"""Invitations, and the people who ask for a place with the account that they have."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from services.chassis.changes.ddl import recorded
from services.chassis.db.rows import TableClass
from services.chassis.db.schema import secure

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "invitations",
        sa.Column("company", sa.Text, primary_key=True),
        sa.Column("invitation_id", sa.Text, primary_key=True),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("all_shops", sa.Boolean, nullable=False),
        sa.Column("shop_ids", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("language_code", sa.Text, nullable=False),
        sa.Column("inviter", sa.Text, nullable=False),
        sa.Column("by_operator", sa.Boolean, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("send_time", sa.DateTime(timezone=True), nullable=False),
    )
    secure("invitations", TableClass.TENANT, "identity")
    recorded("invitations")
    op.create_table(
        "admissions",
        sa.Column("admission_id", sa.Text, primary_key=True),
        sa.Column("company", sa.Text, nullable=False),
        sa.Column("invitation_id", sa.Text, nullable=False),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("user_display_name", sa.Text, nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.user_id"], ondelete="CASCADE"),
        sa.UniqueConstraint("company", "user_id", name="admissions_company_user_id"),
    )
    op.create_index("admissions_user_id", "admissions", ["user_id"])
    secure("admissions", TableClass.DIRECTORY, "identity")
    recorded("admissions")

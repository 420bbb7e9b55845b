"""Passwords that people had before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from services.chassis.db.rows import TableClass
from services.chassis.db.schema import secure

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("password_change_time", sa.DateTime(timezone=True)))
    op.create_table(
        "former_passwords",
        sa.Column("user_id", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.user_id"], ondelete="CASCADE"),
    )
    secure("former_passwords", TableClass.PERSON, "identity")

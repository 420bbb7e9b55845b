"""Keys that codes and refresh tokens are bound to, and whether an application's must be."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    column = sa.Column("bind_tokens", sa.Boolean, nullable=False, server_default=sa.false())
    op.add_column("applications", column)
    for table in ("codes", "families"):
        op.add_column(table, sa.Column("key_thumbprint", sa.Text, nullable=False, server_default=""))

"""Under which place the uses of a value are counted, and where a closed shop stood."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("shop_key_values", sa.Column("counted_as", sa.Integer, nullable=True))
    op.add_column(
        "shops", sa.Column("state_before_closing", sa.Text, nullable=False, server_default=sa.text("''"))
    )

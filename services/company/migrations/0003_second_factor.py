"""Whether users of the company need a second factor."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "companies",
        sa.Column("second_factor_required", sa.Boolean, nullable=False, server_default=sa.false()),
    )
    op.execute("grant select (second_factor_required) on companies to company_feed")

"""Whether users of the company choose another password every 90 days."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "companies",
        sa.Column("password_renewal_required", sa.Boolean, nullable=False, server_default=sa.false()),
    )
    op.execute("grant select (password_renewal_required) on companies to company_feed")

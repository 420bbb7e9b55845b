"""Which companies ask for another password every 90 days."""

from __future__ import annotations

from alembic import op

from services.chassis.mirrors.kinds import mirror_table

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    mirror_table("password_policies", "identity")
    # Companies were watched before, so the cursor stays good: only a new snapshot fills the table.
    op.execute("update mirror_cursors set cursor = '' where source = 'company'")

"""Links that are mailed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from services.chassis.db.rows import TableClass
from services.chassis.db.schema import secure

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "links",
        sa.Column("purpose", sa.Text, primary_key=True),
        sa.Column("subject", sa.Text, primary_key=True),
        sa.Column("link_id", sa.Text, nullable=False),
        sa.Column("expire_time", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("links_link_id", "links", ["link_id"], unique=True)
    op.create_index("links_expire_time", "links", ["expire_time"])
    secure("links", TableClass.DIRECTORY, "identity")

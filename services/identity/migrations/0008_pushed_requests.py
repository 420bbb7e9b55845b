"""Authorization requests that clients push, and whether an application must."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from services.chassis.db.rows import TableClass
from services.chassis.db.schema import secure

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    column = sa.Column("require_pushed_requests", sa.Boolean, nullable=False, server_default=sa.false())
    op.add_column("applications", column)
    op.create_table(
        "pushed_requests",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("client_id", sa.Text, nullable=False),
        sa.Column("parameters", sa.Text, nullable=False),
        sa.Column("expire_time", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("pushed_requests_expire_time", "pushed_requests", ["expire_time"])
    secure("pushed_requests", TableClass.PLATFORM, "identity")

"""What companies begin with."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from services.chassis.changes.ddl import publish, recorded
from services.chassis.db.rows import TableClass
from services.chassis.db.schema import secure

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "openings",
        sa.Column("company", sa.Text, primary_key=True),
        sa.Column("owner_email", sa.Text, nullable=False),
        sa.Column("shop_display_name", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["company"], ["companies.company"]),
    )
    secure("openings", TableClass.TENANT, "company", "select, insert")
    recorded("openings")
    publish("openings", "company", ("company", "owner_email", "shop_display_name"))

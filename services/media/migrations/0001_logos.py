"""Logos of shops, and published images."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from services.chassis.changes.ddl import publish, recorded
from services.chassis.db.rows import TableClass
from services.chassis.db.schema import secure
from services.chassis.mirrors.kinds import mirror_table
from services.chassis.tables import chassis_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    chassis_tables("media")
    mirror_table("known_shops", "media")
    mirror_table("known_grants", "media")
    mirror_table("ended_sessions", "media")
    op.create_table(
        "logos",
        sa.Column("company", sa.Text, primary_key=True),
        sa.Column("shop_id", sa.Text, primary_key=True),
        sa.Column("image_id", sa.Text, nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.Column("file_name", sa.Text, nullable=False),
        sa.Column("rules_version", sa.Text, nullable=False),
        sa.Column("import_time", sa.DateTime(timezone=True), nullable=False),
    )
    secure("logos", TableClass.TENANT, "media")
    recorded("logos")
    publish("logos", "media", ("company", "shop_id", "image_id", "width", "height"))
    op.create_table(
        "images",
        sa.Column("image_id", sa.Text, primary_key=True),
        sa.Column("company", sa.Text, nullable=False),
        sa.Column("media_type", sa.Text, nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
    )
    secure("images", TableClass.DIRECTORY, "media", rights="select, insert")

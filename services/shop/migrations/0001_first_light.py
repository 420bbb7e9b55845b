"""Shops, their directory, their keys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from services.chassis.changes.ddl import publish, recorded
from services.chassis.db.rows import TableClass
from services.chassis.db.schema import secure, swept
from services.chassis.mirrors.kinds import mirror_table
from services.chassis.mirrors.memory import forget_changed
from services.chassis.outbox.tables import outbox
from services.chassis.tables import chassis_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    chassis_tables("shop")
    mirror_table("known_companies", "shop")
    forget_changed("known_companies", "company", "time_zone", "shop")
    mirror_table("known_grants", "shop")
    mirror_table("ended_sessions", "shop")
    op.create_table(
        "shops",
        sa.Column("company", sa.Text, primary_key=True),
        sa.Column("shop_id", sa.Text, primary_key=True),
        sa.Column("display_name", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("manager_email", sa.Text, nullable=False),
        sa.Column("capture_delay_days", sa.Integer, nullable=False),
        sa.Column("validation_mode", sa.Text, nullable=False),
        sa.Column("extra_attempts", sa.Integer, nullable=False),
        sa.Column("notify_refused_attempts", sa.Boolean, nullable=False),
        sa.Column("signature_algorithm", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
    secure("shops", TableClass.TENANT, "shop")
    recorded("shops")
    publish(
        "shops",
        "shop",
        (
            "company",
            "shop_id",
            "display_name",
            "url",
            "capture_delay_days",
            "validation_mode",
            "extra_attempts",
            "notify_refused_attempts",
            "signature_algorithm",
            "state",
        ),
    )
    op.create_table(
        "shop_directory",
        sa.Column("shop_id", sa.Text, primary_key=True),
        sa.Column("company", sa.Text, nullable=False),
    )
    secure("shop_directory", TableClass.DIRECTORY, "shop", rights="select, insert")
    op.create_table(
        "shop_go_lives",
        sa.Column("company", sa.Text, primary_key=True),
        sa.Column("shop_id", sa.Text, primary_key=True),
        sa.Column("payments", JSONB, nullable=False),
        sa.Column("first_production_payment_time", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(["company", "shop_id"], ["shops.company", "shops.shop_id"]),
    )
    secure("shop_go_lives", TableClass.TENANT, "shop")
    recorded("shop_go_lives")
    op.create_table(
        "shop_keys",
        sa.Column("company", sa.Text, primary_key=True),
        sa.Column("shop_id", sa.Text, primary_key=True),
        sa.Column("key_id", sa.Text, primary_key=True),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("public_value", sa.Text, nullable=False),
        sa.Column("masked_value", sa.Text, nullable=False),
        sa.Column("check_value", sa.Text, nullable=False),
        sa.Column("generate_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("former_until", sa.DateTime(timezone=True)),
        sa.Column("former_count", sa.Integer, nullable=False),
        sa.Column("expire_time", sa.DateTime(timezone=True)),
        sa.Column("reminder_time", sa.DateTime(timezone=True)),
        sa.Column("ended_time", sa.DateTime(timezone=True)),
        sa.Column("reveal_time", sa.DateTime(timezone=True)),
        sa.Column("reveal_count", sa.Integer, nullable=False),
        sa.ForeignKeyConstraint(["company", "shop_id"], ["shops.company", "shops.shop_id"]),
    )
    secure("shop_keys", TableClass.TENANT, "shop")
    recorded("shop_keys")
    op.create_table(
        "shop_key_values",
        sa.Column("company", sa.Text, primary_key=True),
        sa.Column("shop_id", sa.Text, primary_key=True),
        sa.Column("key_id", sa.Text, primary_key=True),
        sa.Column("generation", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("sealed", sa.LargeBinary),
        sa.Column("public_value", sa.Text, nullable=False),
        sa.Column("check_value", sa.Text, nullable=False),
        sa.Column("generate_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retire_time", sa.DateTime(timezone=True)),
        sa.Column("expire_time", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(
            ["company", "shop_id", "key_id"],
            ["shop_keys.company", "shop_keys.shop_id", "shop_keys.key_id"],
        ),
    )
    secure("shop_key_values", TableClass.TENANT, "shop")
    recorded("shop_key_values")
    swept("shop_key_values", "shop")
    op.create_table(
        "key_deadlines",
        sa.Column("company", sa.Text, primary_key=True),
        sa.Column("shop_id", sa.Text, primary_key=True),
        sa.Column("key_id", sa.Text, primary_key=True),
        sa.Column("due_time", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_key_deadlines_due_time", "key_deadlines", ["due_time"])
    secure("key_deadlines", TableClass.DIRECTORY, "shop")
    op.create_table(
        "shop_key_uses",
        sa.Column("company", sa.Text, primary_key=True),
        sa.Column("shop_id", sa.Text, primary_key=True),
        sa.Column("key_id", sa.Text, primary_key=True),
        sa.Column("generation", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("integration", sa.Text, primary_key=True),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("last_use_time", sa.DateTime(timezone=True), nullable=False),
    )
    secure("shop_key_uses", TableClass.TENANT, "shop")
    outbox("shop")

"""Companies."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from services.chassis.changes.ddl import publish, recorded
from services.chassis.db.rows import TableClass
from services.chassis.db.schema import secure
from services.chassis.mirrors.kinds import mirror_table
from services.chassis.tables import chassis_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TEXTS = (
    "legal_name",
    "region_code",
    "legal_identifier_kind",
    "legal_identifier_value",
    "street",
    "postal_code",
    "locality",
    "time_zone",
    "language_code",
    *(
        f"{role}_{field}"
        for role in ("manager", "technical")
        for field in ("title", "given_name", "family_name", "phone", "second_phone", "email")
    ),
)


def upgrade() -> None:
    chassis_tables("company")
    mirror_table("known_shops", "company")
    mirror_table("known_grants", "company")
    mirror_table("ended_sessions", "company")
    op.create_table(
        "companies",
        sa.Column("company", sa.Text, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in _TEXTS),
        sa.Column("incident_emails", postgresql.ARRAY(sa.Text), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
    secure("companies", TableClass.TENANT, "company")
    recorded("companies")
    publish("companies", "company", ("company", "legal_name", "region_code", "time_zone", "language_code"))

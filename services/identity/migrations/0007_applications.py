"""Applications that companies register, and values that are good once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from services.chassis.changes.ddl import publish, recorded
from services.chassis.db.rows import TableClass
from services.chassis.db.schema import secure

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "applications",
        sa.Column("company", sa.Text, primary_key=True),
        sa.Column("application_id", sa.Text, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("display_name", "client_authentication")),
        *(_texts(name) for name in ("redirect_uris", "scopes", "grant_types")),
        sa.Column("jwks", sa.Text, nullable=False),
        sa.Column("all_shops", sa.Boolean, nullable=False),
        _texts("shop_ids"),
        sa.Column("suspended", sa.Boolean, nullable=False),
        sa.Column("secret_digest", sa.LargeBinary),
        sa.Column("secret_fingerprint", sa.Text, nullable=False),
        sa.Column("secret_time", sa.DateTime(timezone=True)),
        sa.Column("former_digest", sa.LargeBinary),
        sa.Column("former_fingerprint", sa.Text, nullable=False),
        sa.Column("former_expire_time", sa.DateTime(timezone=True)),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
    secure("applications", TableClass.TENANT, "identity")
    recorded("applications")
    told = ("company", "application_id", "scopes", "grant_types", "all_shops", "shop_ids", "suspended")
    publish("applications", "identity", told)
    op.create_table(
        "application_uses",
        sa.Column("company", sa.Text, primary_key=True),
        sa.Column("application_id", sa.Text, primary_key=True),
        sa.Column("credential", sa.Text, primary_key=True),
        sa.Column("last_use_time", sa.DateTime(timezone=True)),
    )
    secure("application_uses", TableClass.TENANT, "identity")
    op.create_table(
        "application_ids",
        sa.Column("application_id", sa.Text, primary_key=True),
        sa.Column("company", sa.Text, nullable=False),
    )
    secure("application_ids", TableClass.DIRECTORY, "identity")
    op.create_table(
        "used_values",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("expire_time", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("used_values_expire_time", "used_values", ["expire_time"])
    secure("used_values", TableClass.PLATFORM, "identity")


def _texts(name: str) -> sa.Column[list[str]]:
    return sa.Column(name, sa.ARRAY(sa.Text), nullable=False)

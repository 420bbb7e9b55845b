"""E-mail addresses that wait to be confirmed, and the ones before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("unconfirmed_email", "former_email"):
        op.add_column("users", sa.Column(name, sa.Text, nullable=False, server_default=sa.text("''")))

"""The outbox."""

from __future__ import annotations

from services.chassis.outbox.tables import outbox
from services.chassis.tables import chassis_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    chassis_tables("post")
    outbox("post")

"""What is kept of the applications that companies register."""

from __future__ import annotations

from services.chassis.mirrors.kinds import mirror_table

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    mirror_table("known_applications", "media")

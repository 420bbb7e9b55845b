"""People can be erased."""

from __future__ import annotations

from services.chassis.db.schema import erasable_people

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    erasable_people("identity")

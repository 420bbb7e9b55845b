"""Ended sessions are swept as other rows are: by their end, past those that another call holds."""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ended_sessions_end_time", "ended_sessions", ["end_time"])
    # PostgreSQL lets nobody lock a row who may not update it; no statement updates one.
    op.execute("grant update (end_time) on ended_sessions to identity_svc")

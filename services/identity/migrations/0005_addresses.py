"""The directory from e-mail addresses to accounts, with those that there are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from services.chassis.db.rows import TableClass
from services.chassis.db.schema import secure

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "addresses",
        sa.Column("user_id", sa.Text, primary_key=True),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.user_id"], ondelete="CASCADE"),
    )
    op.create_index("ix_addresses_digest", "addresses", ["digest"])
    secure("addresses", TableClass.DIRECTORY, "identity")
    # The owner sees no person's rows but inside this transaction.
    op.execute("alter table users no force row level security")
    op.execute(
        "insert into addresses (user_id, digest)"
        " select user_id, sha256(convert_to(lower(email), 'UTF8')) from users"
    )
    op.execute("alter table users force row level security")

"""Where the replies of writes with an idempotency key are kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from services.chassis.db.rows import TableClass
from services.chassis.db.schema import secure


def kept_replies_table(metadata: sa.MetaData) -> sa.Table:
    """The table in a service's metadata. The digest of a key leads to the reply; see `requests.digest`."""
    return sa.Table(
        "kept_replies",
        metadata,
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("expire_time", sa.DateTime(timezone=True), nullable=False),
        sa.Index("kept_replies_expire_time", "expire_time"),
        info={"class": TableClass.DIRECTORY},
    )


def kept_replies(service: str) -> None:
    """The table in a migration."""
    op.create_table(
        "kept_replies",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("expire_time", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("kept_replies_expire_time", "kept_replies", ["expire_time"])
    secure("kept_replies", TableClass.DIRECTORY, service)

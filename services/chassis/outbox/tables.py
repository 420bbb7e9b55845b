"""The table of mail that waits, in a service that sends any. It holds no personal data and no link."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from services.chassis.db.rows import PlatformRow, TableClass
from services.chassis.db.schema import secure

PENDING, SENT, DEAD = "PENDING", "SENT", "DEAD"


class OutboxRow(PlatformRow):
    """Base of a service's mapped class. One that operators may see says how: `__recorded__` and `name`."""

    __tablename__ = "outbox"

    @declared_attr.directive
    def __table_args__(self) -> Any:
        return (
            Index("outbox_due", "state", "due_time"),
            Index("outbox_recipient", "recipient", "contact"),
            {"info": {"class": TableClass.PLATFORM}},
        )

    mail_id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    recipient: Mapped[str]
    contact: Mapped[str]
    arguments: Mapped[dict[str, str]] = mapped_column(JSONB)
    message_id: Mapped[str]
    """The same at every attempt, so that a reader's program shows a mail that came twice once (RFC 5322 3.6.4)."""
    create_time: Mapped[datetime]
    due_time: Mapped[datetime]
    """When it is to be sent; once given up, when that was; once sent, until when it counts against its recipient."""
    attempts: Mapped[int]
    last_error: Mapped[str]
    state: Mapped[str]


def outbox(service: str) -> None:
    """The table in a migration."""
    op.create_table(
        "outbox",
        sa.Column("mail_id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("recipient", sa.Text, nullable=False),
        sa.Column("contact", sa.Text, nullable=False),
        sa.Column("arguments", JSONB, nullable=False),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("last_error", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
    )
    op.create_index("outbox_due", "outbox", ["state", "due_time"])
    op.create_index("outbox_recipient", "outbox", ["recipient", "contact"])
    secure("outbox", TableClass.PLATFORM, service)
    # The sender's own bookkeeping is no change of the record; what an operator does with a mail given up is.
    op.execute(
        "create constraint trigger outbox_recorded after update or delete on outbox"
        f" deferrable initially deferred for each row when (old.state = '{DEAD}')"
        " execute function require_change()"
    )

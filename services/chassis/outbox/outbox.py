"""Puts mail into the transaction that causes it, and shows operators what could not be sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from sqlalchemy import Table, func, insert, inspect, select
from sqlalchemy.orm import Session

from services.chassis.names import new_id
from services.chassis.outbox.mail import Mail
from services.chassis.outbox.tables import DEAD, PENDING, OutboxRow
from services.chassis.pages import Page

CHANNEL = "outbox"
"""What PostgreSQL notifies the senders by, of every process of the service."""

R = TypeVar("R", bound=OutboxRow)


@dataclass(frozen=True)
class Outbox(Generic[R]):
    """The outbox of one service."""

    rows: type[R]
    domain: str
    """Right side of Message-IDs, from configuration."""

    @property
    def table(self) -> Table:
        found = inspect(self.rows).local_table
        assert isinstance(found, Table)
        return found

    def add(self, db: Session, mail: Mail, now: datetime) -> str:
        """Sends the mail if and when the transaction commits: at least once; nothing for what is rolled back.

        Returns its id.
        """
        mail_id = new_id()
        db.execute(
            insert(self.table).values(
                mail_id=mail_id,
                kind=mail.kind,
                recipient=mail.recipient,
                contact=mail.contact,
                arguments=dict(mail.arguments),
                message_id=f"<{mail_id}@{self.domain}>",
                create_time=now,
                due_time=now,
                attempts=0,
                last_error="",
                state=PENDING,
            )
        )
        _wake(db)
        return mail_id

    def dead(self, db: Session, page: Page) -> Sequence[R]:
        """One page of the mails that were given up, by id."""
        query = select(self.rows).where(self.rows.state == DEAD).order_by(self.rows.mail_id)
        if page.after is not None:
            query = query.where(self.rows.mail_id > page.after[0])
        return db.scalars(query.limit(page.limit)).all()

    def find_dead(self, db: Session, mail_id: str) -> R | None:
        """A mail that was given up, to be changed; None if there is none of that id, or it waits again."""
        query = select(self.rows).where(self.rows.mail_id == mail_id, self.rows.state == DEAD)
        return db.scalars(query.with_for_update()).one_or_none()

    def retry(self, db: Session, row: R, now: datetime) -> None:
        """Gives a dead mail as many attempts as a new one."""
        row.state, row.due_time, row.attempts = PENDING, now, 0
        _wake(db)


def _wake(db: Session) -> None:
    db.execute(select(func.pg_notify(CHANNEL, "")))

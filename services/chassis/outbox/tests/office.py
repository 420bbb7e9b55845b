"""The post office of a test: adds mail, sends it under a clock that the test moves, looks into the table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from services.chassis.db.database import Database
from services.chassis.db.scope import Scope
from services.chassis.db.tenancy import ScopedSession
from services.chassis.outbox.carrier import Carrier
from services.chassis.outbox.mail import Letter, Mail
from services.chassis.outbox.outbox import Outbox
from services.chassis.outbox.sender import Render, Sender
from services.chassis.outbox.tables import OutboxRow
from services.chassis.outbox.tests.post.rows import MailRow
from services.chassis.testing.postgres import Clone

ADDRESS = "ada@halles.example"
SENDER = "no-reply@comptoir.example"
OUTBOX: Outbox[MailRow] = Outbox(MailRow, "comptoir.example")


def letter(session: ScopedSession, row: OutboxRow) -> Letter:
    """What a service writes: here, always the same."""
    return Letter(ADDRESS, "Été", f"Bonjour,\n.\n{row.kind}\n", "fr")


def sender_to(url: str, address: str, clock: Callable[[], datetime], render: Render, **limits: int) -> Sender:
    """A sender, as a process of the service has one."""
    return Sender(url, OUTBOX, render, Carrier(address, SENDER, starttls=False), clock, **limits)


@dataclass
class Office:
    """One database, one mail server, and the time."""

    clone: Clone
    address: str
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        self.database = Database(self.clone.urls["svc"])
        self._senders: list[Sender] = []

    def clock(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        self.now += timedelta(**span)

    def add(self, kind: str = "notice", recipient: str = "users/ada", **arguments: str) -> None:
        with self.database.transaction(Scope()) as db:
            OUTBOX.add(db, Mail(kind, recipient, arguments), self.now)

    def sender(self, render: Render = letter, **limits: int) -> Sender:
        self._senders.append(sender_to(self.clone.urls["svc"], self.address, self.clock, render, **limits))
        return self._senders[-1]

    def rows(self, state: str | None = None) -> list[dict[str, Any]]:
        """The table, read behind the service's back."""
        with self.clone.administrator() as connection:
            cursor = connection.cursor(row_factory=psycopg.rows.dict_row)
            cursor.execute("select * from outbox where %s::text is null or state = %s", [state, state])
            return cursor.fetchall()

    def close(self) -> None:
        for sender in self._senders:
            sender.stop()
        self.database.close()
        with self.clone.administrator() as connection:
            connection.execute("alter table outbox disable trigger user")
            connection.execute("delete from outbox")
            connection.execute("alter table outbox enable trigger user")

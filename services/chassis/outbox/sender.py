"""Sends what waits in the outbox: a thread in every process of the service, each mail by one of them.

Talking to the mail server happens inside a transaction that ends with the row's: whoever is killed lets go at once,
and only between the server's 250 and the commit does the mail go out twice, under one Message-ID.

That transaction holds an advisory lock and no row, since locking a row would give it a transaction id: a watch goes no
further than the oldest of these, so a slow mail server would hold up everybody who follows the service. The lock is
on the recipient, which makes their bound an hour exact, however many processes send.

A mail server that fails as a whole ends the round and is left alone for a moment. The mails stay as they are: each goes
out as soon as it is back.
"""

from __future__ import annotations

import hashlib
import random
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, func, select, update

from services.chassis import fault_points, log
from services.chassis.clock import Clock
from services.chassis.db.database import LOST_HOST, Database
from services.chassis.db.patience import AT_ONCE_SECONDS, Patient
from services.chassis.db.scope import Scope
from services.chassis.db.tenancy import ScopedSession
from services.chassis.errors import TimedOut, Unavailable
from services.chassis.outbox import metrics
from services.chassis.outbox.carrier import Carrier
from services.chassis.outbox.mail import Letter, Undelivered
from services.chassis.outbox.message import compose
from services.chassis.outbox.outbox import CHANNEL, Outbox
from services.chassis.outbox.relay import Relay
from services.chassis.outbox.tables import DEAD, PENDING, SENT, OutboxRow

Render = Callable[[ScopedSession, Any], Letter | None]
"""The letter that a row stands for, in its reader's language; None if there is nobody to read it any more. The
session has no scope yet: rendering confines it to the recipient."""

HOURLY = 20
"""Mails to one recipient within an hour. What is beyond waits for its turn: if it were dropped, whoever can cause
twenty mails could keep the one that matters from arriving."""
ATTEMPTS = 100
"""Then a mail is given up: after about four days (RFC 5321 4.5.4.1)."""
_HOUR = timedelta(hours=1)
_FIRST_PAUSE = timedelta(seconds=30)
_BATCH = 50
_POLL_SECONDS = 5.0
_BEAT_SECONDS = 0.5
_GRACE_SECONDS = 10.0
_LONGEST_DIALOGUE = "900000"
"""Milliseconds that the transaction may idle while the mail server is spoken to."""


def pause(attempts: int) -> timedelta:
    """How long to wait after so many failed attempts: twice as long each time, up to an hour, less a random part."""
    full = min(_HOUR, _FIRST_PAUSE * (1 << min(attempts - 1, 20)))
    return full * random.uniform(0.5, 1)  # noqa: S311 - spreads retries, protects nothing


class Sender:
    """Sends the mail of one service. `start` it in a process that serves; `work` is one round of it."""

    def __init__(
        self,
        database_url: str,
        outbox: Outbox[Any],
        render: Render,
        carrier: Carrier,
        clock: Clock,
        *,
        hourly: int = HOURLY,
        attempts: int = ATTEMPTS,
    ) -> None:
        self._url = database_url
        # Its own connection: a slow mail server takes none from the calls.
        self._database = Database(database_url, connections=1)
        self._rows: type[OutboxRow] = outbox.rows
        self._table = outbox.table
        self._render = render
        self._carrier = carrier
        self._clock = clock
        self._hourly = hourly
        self._attempts = attempts
        self._relay = Relay()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)

    def start(self) -> None:
        """Begins to send."""
        self._thread.start()

    def stop(self) -> None:
        """Takes up no other mail, and waits a little for the one under way."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(_GRACE_SECONDS)
        self._database.close()

    def work(self) -> None:
        """Sends all that is due and that nobody else is sending. Raises Unavailable while there is no database."""
        while sum(self._guarded(mail_id, target) for mail_id, target in self._due()):
            continue
        with self._database.transaction(Scope(read_only=True)) as db:
            metrics.observe(db, self._table, self._clock())

    def _due(self) -> list[tuple[str, str]]:
        table, now = self._table, self._clock()
        with self._database.transaction(Scope()) as db:
            db.execute(delete(table).where(table.c.state == SENT, table.c.due_time <= now))
            query = select(table.c.mail_id, table.c.recipient, table.c.contact).order_by(table.c.due_time)
            found = db.execute(query.where(table.c.state == PENDING, table.c.due_time <= now).limit(_BATCH))
            return [(row.mail_id, f"{row.recipient}/{row.contact}") for row in found]

    def _guarded(self, mail_id: str, target: str) -> bool:
        """Whether anything became of the mail; one that cannot even be written keeps no other waiting."""
        if self._stopping.is_set() or self._relay.rests(self._clock()):
            return False
        try:
            done = self._attempt(mail_id, target)
        except (Unavailable, TimedOut):
            raise
        except Exception as error:
            log.event("mail failed", mail=mail_id, error=type(error).__qualname__, where=log.frames(error))
            with self._database.transaction(Scope()) as db:
                row = db.get(self._rows, mail_id)
                if row is None or row.state != PENDING:
                    return True
                done = row, self._put_off(row, Undelivered("NOT_WRITTEN"))
        if done is not None:
            # Said after the commit: if saying it fails, the mail is gone all the same.
            _tell(*done)
        return done is not None

    def _attempt(self, mail_id: str, target: str) -> tuple[OutboxRow, str] | None:
        """The mail and what became of it; None if it is no longer there to be sent, or with another process."""
        with self._database.transaction(Scope()) as db:
            db.execute(
                select(func.set_config("idle_in_transaction_session_timeout", _LONGEST_DIALOGUE, True))
            )
            if not db.scalar(select(func.pg_try_advisory_xact_lock(_key(target)))):
                return None
            # Read again under the lock: another process may have sent it a moment ago.
            row = db.get(self._rows, mail_id)
            if row is None or row.state != PENDING or row.due_time > self._clock():
                return None
            return row, self._deferred(db, row) or self._sent(db, row)

    def _deferred(self, db: ScopedSession, row: OutboxRow) -> str:
        """Lets everything for the recipient wait, if they have had all that they get in an hour."""
        table = self._table
        theirs = (table.c.recipient == row.recipient) & (table.c.contact == row.contact)
        sent = select(func.count(), func.min(table.c.due_time)).where(theirs, table.c.state == SENT)
        count, room = db.execute(sent.where(table.c.due_time > self._clock())).one()
        if count < self._hourly:
            return ""
        waiting = update(table).where(theirs, table.c.state == PENDING, table.c.due_time < room)
        db.execute(waiting.values(due_time=room))
        return "deferred"

    def _sent(self, db: ScopedSession, row: OutboxRow) -> str:
        letter = self._render(db, row)
        if letter is None:
            db.delete(row)
            return "dropped"
        try:
            content = compose(letter, self._carrier.sender, row.message_id, self._clock())
            self._carrier.deliver(letter.to, content)
            self._relay.answered()
            fault_points.reach("outbox.after_send")
        except Undelivered as undelivered:
            return self._failed(row, undelivered)
        # What is left of it counts against the recipient for an hour, and is then forgotten.
        row.state, row.due_time, row.last_error = SENT, self._clock() + _HOUR, ""
        return "sent"

    def _failed(self, row: OutboxRow, undelivered: Undelivered) -> str:
        if undelivered.of_relay:
            self._relay.failed(self._clock())
        else:
            self._relay.answered()
        if undelivered.of_mail:
            return self._put_off(row, undelivered)
        row.last_error = undelivered.code
        return "waits"

    def _put_off(self, row: OutboxRow, undelivered: Undelivered) -> str:
        row.attempts += 1
        row.last_error = undelivered.code
        if undelivered.permanent or row.attempts >= self._attempts:
            row.state, row.due_time = DEAD, self._clock()
            return "dead"
        row.due_time = self._clock() + pause(row.attempts)
        return "put_off"

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._listen()
            except Exception as error:
                log.event("outbox interrupted", error=type(error).__qualname__, where=log.frames(error))
                self._stopping.wait(_POLL_SECONDS)

    def _listen(self) -> None:
        with Patient.connect(self._url, autocommit=True, connect_timeout=3, **LOST_HOST) as ears:
            ears.be_patient(AT_ONCE_SECONDS)
            ears.execute(f'listen "{CHANNEL}"')
            while not self._stopping.is_set():
                self.work()
                self._wait(ears)

    def _wait(self, ears: Patient) -> None:
        """Until mail is added here or elsewhere, or for the slow poll: what was put off calls nobody."""
        for _ in range(round(_POLL_SECONDS / _BEAT_SECONDS)):
            if self._stopping.is_set() or list(ears.notifies(timeout=_BEAT_SECONDS, stop_after=1)):
                return
        ears.be_patient(AT_ONCE_SECONDS)
        ears.execute("select 1")


def _tell(row: OutboxRow, outcome: str) -> None:
    metrics.outcomes.labels(row.kind, outcome).inc()
    log.event(
        "mail", mail=row.mail_id, kind=row.kind, outcome=outcome, attempts=row.attempts, code=row.last_error
    )


def _key(target: str) -> int:
    return int.from_bytes(hashlib.sha256(target.encode()).digest()[:8], "big", signed=True)

"""Metrics of the outbox: how much waits, how much was given up, and for how long the oldest has waited."""

from __future__ import annotations

from datetime import datetime

from prometheus_client import Counter, Gauge
from sqlalchemy import Table, func, select
from sqlalchemy.orm import Session

from services.chassis.outbox.tables import DEAD, PENDING

outcomes = Counter(
    "comptoir_mail_attempts", "Attempts to send mail, by kind and outcome.", ["kind", "outcome"]
)
_mails = Gauge("comptoir_mails", "Mails in the outbox, by state.", ["state"])
_oldest = Gauge("comptoir_oldest_mail_seconds", "How long the oldest mail has waited to be sent.")


def observe(db: Session, table: Table, now: datetime) -> None:
    """Reads the gauges; every process of a service shows the same."""
    columns = table.c.state, func.count().label("mails"), func.min(table.c.create_time).label("oldest")
    query = select(*columns).where(table.c.state.in_((PENDING, DEAD))).group_by(table.c.state)
    found = {row.state: row for row in db.execute(query)}
    for state in (PENDING, DEAD):
        _mails.labels(state.lower()).set(found[state].mails if state in found else 0)
    waiting = found.get(PENDING)
    _oldest.set(max(0.0, (now - waiting.oldest).total_seconds()) if waiting else 0)

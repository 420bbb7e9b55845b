"""Forgets, in every process of the service, where invitations were mailed to that nobody took (`docs/retention.md`)."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from services.chassis import log
from services.chassis.changes.log import ChangeLog, Stamp
from services.chassis.clock import Clock
from services.chassis.db.database import Database
from services.chassis.db.scope import Scope
from services.chassis.request_ids import request_id
from services.chassis.rounds import Rounds
from services.identity import companies, invitations

KEPT = timedelta(days=30)
"""How long after an invitation was mailed last: it may be mailed again until then."""
SECONDS = 3600.0
"""How often it looks."""


class Forgetting:
    """Start its `rounds` in a process that serves; `work` is one of them."""

    def __init__(self, database: Database, changes: ChangeLog, clock: Clock) -> None:
        self._database = database
        self._changes = changes
        self._clock = clock
        self.rounds = Rounds(self.work, name="forgetting", seconds=SECONDS, failed="nothing forgotten")

    def work(self) -> None:
        """Looks at every company."""
        with self._database.transaction(Scope(read_only=True)) as db:
            known = db.scalars(select(companies.KNOWN.c.company)).all()
        for company in known:
            if not self.rounds.ending:
                self._guarded(company)

    def _guarded(self, company: str) -> None:
        """One company that fails keeps no other waiting."""
        try:
            self._forget(company)
        except Exception as error:
            log.event("addresses kept", company=company, error=type(error).__qualname__)

    def _forget(self, company: str) -> None:
        now = self._clock()
        with self._database.transaction(Scope(company)) as db:
            for row in invitations.mailed_before(db, now - KEPT):
                row.email = ""
            db.flush()
            stamp = Stamp(now, "services/identity", request_id(None), "", reason="nobody took it in time")
            self._changes.append(db, stamp)

"""Does what is due on keys, in every process of the service: each key by whichever comes first."""

from __future__ import annotations

from services.chassis import log
from services.chassis.changes.log import ChangeLog, Stamp
from services.chassis.clock import Clock
from services.chassis.db.database import Database
from services.chassis.db.scope import Scope
from services.chassis.errors import TimedOut, Unavailable
from services.chassis.request_ids import request_id
from services.chassis.rounds import Rounds
from services.shop import key_deadlines
from services.shop.letters import Letters

SECONDS = 10.0
"""How often it looks. Whether a value is valid never waits for it: that is decided by the times themselves."""
_BATCH = 100


class Timekeeper:
    """Start its `rounds` in a process that serves; `work` is one of them."""

    def __init__(self, database: Database, changes: ChangeLog, letters: Letters, clock: Clock) -> None:
        self._database = database
        self._changes = changes
        self._letters = letters
        self._clock = clock
        self.rounds = Rounds(self.work, name="key deadlines", seconds=SECONDS, failed="deadlines not kept")

    def work(self) -> None:
        """Does all that is due. Raises Unavailable while there is no database."""
        while True:
            with self._database.transaction(Scope(read_only=True)) as db:
                found = key_deadlines.due(db, self._clock(), _BATCH)
            done = [self._guarded(*each) for each in found]
            # What nobody can do now must not be looked at without end.
            if len(found) < _BATCH or not all(done):
                return

    def _guarded(self, company: str, shop_id: str, key_id: str) -> bool:
        """Whether it was done; one key that fails keeps no other waiting."""
        if self.rounds.ending:
            return False
        try:
            return self._settle(company, shop_id, key_id)
        except (Unavailable, TimedOut):
            raise
        except Exception as error:
            log.event("deadline missed", key=key_id, error=type(error).__qualname__, where=log.frames(error))
            return False

    def _settle(self, company: str, shop_id: str, key_id: str) -> bool:
        now = self._clock()
        with self._database.transaction(Scope(company)) as db:
            done = key_deadlines.settle(db, self._letters, shop_id, key_id, now)
            stamp = Stamp(
                now, "services/shop", request_id(None), "", reason="the time that was set for it has come"
            )
            self._changes.append(db, stamp)
        return done

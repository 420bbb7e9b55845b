"""Signing in with a password (ID1). Unknown login, wrong password, locked login: one answer, one amount of work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from services.chassis.db.database import Database
from services.chassis.db.scope import Scope
from services.chassis.errors import Unauthenticated
from services.chassis.names import new_id
from services.chassis.rpc.call import Call
from services.chassis.sources import network
from services.identity import passwords, users
from services.identity.attempts import LOGIN, Attempts, Series
from services.identity.devices import Devices
from services.identity.mail.mails import Mails
from services.identity.passwords import PasswordRow, Passwords

NOBODY = "-"
"""Confines the call for an unknown login, so that it goes through the same statements; no id looks like this."""


@dataclass(frozen=True)
class SignIn:
    """Judges tries to sign in."""

    attempts: Attempts
    passwords: Passwords
    devices: Devices
    database: Database
    mails: Mails

    def check(
        self, call: Call, login: str, password: str, source: str, tokens: Sequence[str] = ()
    ) -> tuple[PasswordRow, str]:
        """The person's password, which is held, and the device if its tokens made it known; the call is confined to
        the person from here on.

        Raises Unauthenticated (`INVALID_CREDENTIALS`), or Exhausted when the source or the machine needs a pause.
        """
        # Who must wait anyway does not get near the fence, or one source could keep everybody out of it.
        self.attempts.refuse_paused(call.db, source, call.now)
        # The fence comes before the count: a try that finds no place was not judged, and must not count. Nor does one
        # source take it whole: those who know a password are not told to pause.
        with self.passwords.fence.enter(network(source)):
            user_id = users.owner(call.db, login)
            device = self.devices.recognise(call.db, user_id or NOBODY, tokens, call.now)
            series = Series.of(login, device)
            counted = self.attempts.count(series, source, call.now)
            call.enter(user=user_id or NOBODY)
            row = passwords.find(call.db, call.user)
            matches = self.passwords.matches(row, password)
            if row is None or counted.locked or not matches or not self._still(call, row):
                if counted.last and series.limit is LOGIN:
                    self._tell(user_id, call.now)
                raise Unauthenticated("Login or password is wrong.", reason="INVALID_CREDENTIALS")
            self.passwords.renew(row, password)
        # At the very end: whoever else comes from this source waits from there on until the call is over.
        call.last.append(partial(self.attempts.forgive, call.db, series, source))
        return row, device

    def _still(self, call: Call, row: PasswordRow) -> bool:
        """Whether what was verified is the password still, which nobody changes from here to the end of the call:
        otherwise a session would outlive a change of the password that ended all sessions."""
        verified = row.hash
        return passwords.hold(call.db, call.user).hash == verified

    def _tell(self, user_id: str | None, now: datetime) -> None:
        """Writes to the person that their login is locked, whatever becomes of the call; to nobody, with the same
        work, where the login is nobody's."""
        with self.database.transaction(Scope()) as db:
            self.mails.locked(db, user_id or new_id(), now)

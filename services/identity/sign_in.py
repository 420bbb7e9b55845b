"""Signing in with a password (ID1). Unknown login, wrong password, locked login: one answer, one amount of work."""

from __future__ import annotations

from dataclasses import dataclass

from services.chassis.errors import Unauthenticated
from services.chassis.rpc.call import Call
from services.identity import passwords, users
from services.identity.attempts import Attempts
from services.identity.passwords import Passwords
from services.identity.users import UserRow

NOBODY = "-"
"""Confines the call for an unknown login, so that it goes through the same statements; no id looks like this."""


@dataclass(frozen=True)
class SignIn:
    """Judges tries to sign in."""

    attempts: Attempts
    passwords: Passwords

    def check(self, call: Call, login: str, password: str, source: str) -> UserRow:
        """The person, to whom the call is confined from here on.

        Raises Unauthenticated (`INVALID_CREDENTIALS`), or Exhausted when the source or the machine needs a pause.
        """
        # Who must wait anyway does not get near the fence, or one source could keep everybody out of it.
        self.attempts.refuse_paused(source, call.now)
        # The fence comes before the count: a try that finds no place was not judged, and must not count.
        with self.passwords.fence.enter():
            open_to_tries = self.attempts.count(login, source, call.now)
            user_id = users.owner(call.db, login)
            call.enter(user=user_id or NOBODY)
            row = passwords.find(call.db, call.user)
            matches = self.passwords.matches(row, password)
            if row is None or not (matches and open_to_tries):
                raise Unauthenticated("Login or password is wrong.", reason="INVALID_CREDENTIALS")
            # Nobody changes it from here to the end of the call, and nobody did since it was verified: otherwise a
            # session would outlive a change of the password that ended all sessions.
            verified = row.hash
            if passwords.hold(call.db, call.user).hash != verified:
                raise Unauthenticated("Login or password is wrong.", reason="INVALID_CREDENTIALS")
            self.passwords.renew(row, password)
        self.attempts.forgive(call.db, login, source)
        return users.find(call.db, call.user)

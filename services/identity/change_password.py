"""Changing one's own password (ID4): the present one proves that it is not just somebody at an open screen."""

from __future__ import annotations

from dataclasses import dataclass

from services.chassis.errors import Invalid, Precondition
from services.chassis.rpc.call import Call
from services.identity import links, passwords, users
from services.identity.attempts import CURRENT_PASSWORD, Attempts
from services.identity.choosing import Choosing
from services.identity.links import RESET
from services.identity.users import UserRow


@dataclass(frozen=True)
class ChangePassword:
    """Judges the present password and sets another."""

    attempts: Attempts
    choosing: Choosing

    def change(self, call: Call, current: str, chosen: str) -> UserRow:
        """The account, with its new password. The session that asks stays; all others end, and a link that was mailed
        to set a forgotten one opens nothing any more."""
        hasher = self.choosing.passwords
        with hasher.fence.enter(call.user):
            self.attempts.take(CURRENT_PASSWORD, call.user, call.now)
            seen = passwords.find(call.db, call.user)
            if seen is None or not hasher.matches(seen, current):
                raise Invalid.field("current_password", "current_password", "is not your password")
            self.attempts.take_back(CURRENT_PASSWORD, call.user)
            verified = seen.hash
            # Links before passwords, as whoever opens one locks them.
            links.withdraw(call.db, users.NAME.format({"user": call.user}), RESET)
            row = passwords.hold(call.db, call.user)
            if row.hash != verified:
                raise Precondition(
                    "The password was changed at the same time.", reason="PASSWORD_CHANGED_MEANWHILE"
                )
            return self.choosing.choose(call, row, chosen, call.caller.session)

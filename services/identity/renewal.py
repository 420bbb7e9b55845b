"""Passwords that will not do without a second factor: too short, since the factors that let them be were taken away
(ID10), or older than the 90 days after which a company may ask for another one (ID9).

Whoever signs in with such a password gets no session but the link that sets a forgotten one: it lets them do nothing
else, and is used up by the new password, with which they sign in. A session that is open already goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from services.chassis.rpc.call import Call
from services.identity import companies, memberships
from services.identity.links import RESET, Links
from services.identity.passwords import PasswordRow
from services.identity.users import UserRow

AGE = timedelta(days=90)


@dataclass(frozen=True)
class Renewal:
    """Judges passwords that were just shown."""

    links: Links

    def link(self, call: Call, person: UserRow, shown: PasswordRow) -> str:
        """What lets the person, who has no second factor and has just shown their password, choose another; empty if
        that one will do."""
        if shown.short or self._is_old(call, person):
            return self.links.hand_out(call.db, RESET, person.name, call.now)
        return ""

    def _is_old(self, call: Call, person: UserRow) -> bool:
        if call.now - (person.password_change_time or person.create_time) < AGE:
            return False
        theirs = memberships.of_person(call.db, person.user_id)
        places = [place.company for place, _ in theirs if not place.suspended]
        return bool(companies.requiring_password_renewal(call.db, places))

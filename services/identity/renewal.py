"""Passwords that are too old: a company may ask those without a second factor for another one every 90 days (ID9).

Whoever signs in with such a password gets no session but the link that sets a forgotten one: it lets them do nothing
else, and is used up by the new password, with which they sign in. A session that is open already goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from services.chassis.rpc.call import Call
from services.identity import companies, memberships
from services.identity.links import RESET, Links
from services.identity.users import UserRow

AGE = timedelta(days=90)


@dataclass(frozen=True)
class Renewal:
    """Judges the age of passwords."""

    links: Links

    def link(self, call: Call, person: UserRow) -> str:
        """What lets the person, who has no second factor and has just shown their password, choose another; empty if
        that one will do."""
        if call.now - (person.password_change_time or person.create_time) < AGE:
            return ""
        theirs = memberships.of_person(call.db, person.user_id)
        places = [place.company for place, _ in theirs if not place.suspended]
        if not companies.requiring_password_renewal(call.db, places):
            return ""
        return self.links.hand_out(call.db, RESET, person.name, call.now)

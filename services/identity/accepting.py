"""Taking the place that a mailed link offers: with a new account at once, with one's own if operators agree (ID7, ID8).

A person's rows and a company's are written in one transaction, which visits the one and the other (decision 11). The
link is used up in it: of many at once, one takes the place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from services.chassis.authorize import unknown
from services.chassis.db.database import Database
from services.chassis.errors import Fault, Precondition
from services.chassis.names import new_id
from services.chassis.rpc.call import Call
from services.identity import (
    admissions,
    companies,
    invitations,
    links,
    managing,
    memberships,
    opening,
    sessions,
    users,
)
from services.identity.admissions import AdmissionRow
from services.identity.attempts import Attempts, Limit
from services.identity.companies import Known
from services.identity.invitations import ACCEPTED, PENDING, InvitationRow
from services.identity.links import INVITATION, LinkRow, Links
from services.identity.mail.mails import Mails
from services.identity.memberships import MemberRow
from services.identity.passwords import Passwords
from services.identity.users import UserRow

TRIES = Limit("accept-invitation", tries=20, within=timedelta(hours=24), pause=timedelta(hours=1))
"""Of one invitation to choose a login and a password."""


@dataclass(frozen=True)
class Offer:
    """What a link offers, as its reader may know it."""

    company: Known
    role: str
    email: str
    language_code: str


@dataclass(frozen=True)
class Accepting:
    """What happens to a link that somebody brings."""

    attempts: Attempts
    links: Links
    passwords: Passwords
    mails: Mails
    database: Database

    def show(self, call: Call, link: str) -> Offer:
        """What the link offers."""
        company, invitation_id = _ids(self.links.read(call.db, INVITATION, link, call.now))
        return _offer(call, company, invitation_id)

    def accept(self, call: Call, link: str, newcomer: Callable[[Offer], UserRow], password: str) -> UserRow:
        """Takes the place with the account that `newcomer` makes of the offer, or raises for what it lacks."""
        company, invitation_id = _ids(self.links.redeem(call.db, INVITATION, link, call.now))
        # Which logins are taken is told to whoever was invited, but not as often as they like.
        self.attempts.take(TRIES, invitation_id, call.now)
        row = newcomer(_offer(call, company, invitation_id))
        users.register(call.db, row.login, row.user_id)
        # Before anything is locked that others wait for.
        password_hash = self.passwords.hash(password)
        with call.visit(company=company):
            self._give(call, company, invitation_id, row.user_id, row.display_name)
        with call.visit(user=row.user_id):
            opening.open_account(call.db, row, password_hash, call.now)
        return row

    def claim(self, call: Call, link: str, session_token: str) -> None:
        """Asks for the place in the name of who is signed in, instead of one that they asked for there before. Whoever
        has a place already is told so."""
        person = users.find(call.db, sessions.enter(call, session_token).user_id)
        company, invitation_id = _ids(self.links.redeem(call.db, INVITATION, link, call.now))
        _offer(call, company, invitation_id)
        if any(place.company == company for place, _ in memberships.of_person(call.db, person.user_id)):
            raise memberships.taken()
        # Under another name: who decides about the former one has not seen what is asked for now.
        admissions.withdraw(call.db, company, person.user_id)
        call.db.add(
            AdmissionRow(
                admission_id=new_id(),
                company=company,
                invitation_id=invitation_id,
                user_id=person.user_id,
                user_display_name=person.display_name,
                create_time=call.now,
            )
        )

    def approve(self, call: Call, admission_id: str) -> MemberRow:
        """Gives the place that somebody asks for."""
        asked = admissions.find(call.db, admission_id)
        # The person first, as whoever erases or renames them does: neither happens until the place is there.
        name = users.name_for_company(call.db, self.database, asked.user_id)
        row = admissions.hold(call.db, admission_id)
        if name is None:
            raise unknown(row.name)
        with call.visit(company=row.company):
            place = self._give(call, row.company, row.invitation_id, row.user_id, name)
            links.withdraw(call.db, row.invitation)
            self.mails.place_given(call.db, place, call.now)
        call.db.delete(row)
        return place

    def refuse(self, call: Call, admission_id: str) -> None:
        """Refuses it; the person is told, and nobody else."""
        row = admissions.hold(call.db, admission_id)
        self.mails.admission_refused(call.db, row, call.now)
        call.db.delete(row)

    def _give(
        self, call: Call, company: str, invitation_id: str, user_id: str, display_name: str
    ) -> MemberRow:
        invitation = invitations.find(call.db, company, invitation_id, for_update=True)
        _require_standing(call, invitation)
        place = MemberRow(
            company=company,
            user_id=user_id,
            role=invitation.role,
            all_shops=invitation.all_shops,
            shop_ids=list(invitation.shop_ids),
            user_display_name=display_name,
            create_time=call.now,
        )
        call.db.add(place)
        # The account has the address now, where it goes with the person.
        invitation.state, invitation.email = ACCEPTED, ""
        call.db.flush()
        return place


def _ids(link: LinkRow) -> tuple[str, str]:
    found = invitations.NAME.parse(link.subject) or {}
    return found["company"], found["invitation"]


def _offer(call: Call, company: str, invitation_id: str) -> Offer:
    with call.visit(company=company):
        row = invitations.find(call.db, company, invitation_id)
        _require_standing(call, row)
        known = companies.find(call.db, company)
        return Offer(known, row.role, row.email, row.language_code)


def _require_standing(call: Call, row: InvitationRow) -> None:
    """Refuses what is over, or what whoever offered it could not offer any more."""
    if row.state != PENDING:
        raise Precondition("The invitation is over.", reason="INVITATION_OVER")
    inviter = None if row.by_operator else (users.NAME.parse(row.inviter) or {})["user"]
    try:
        managing.check_gift(call.db, row.company, inviter, row)
    except Fault:
        raise Precondition("The invitation is over.", reason="INVITATION_OVER") from None

"""Inviting by mail, within what one holds oneself; mailing again; taking back (ID8).

Nothing here looks for an account with the address: with one or without, answer, state and mail are the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from services.chassis.errors import Exhausted, Precondition
from services.chassis.rpc.call import Call
from services.identity import attempts, companies, invitations, links, managing, memberships
from services.identity.attempts import Limit
from services.identity.invitations import ACCEPTED, PENDING, WITHDRAWN, InvitationRow
from services.identity.links import INVITATION, Links
from services.identity.mail.mails import Mails

ADDRESS = Limit("invited-address", tries=3, within=timedelta(hours=1), pause=timedelta(hours=1))
"""Of one company to one address."""
COMPANY = Limit("inviting-company", tries=50, within=timedelta(hours=1), pause=timedelta(hours=1))


@dataclass(frozen=True)
class Inviting:
    """Makes invitations, and mails them."""

    links: Links
    mails: Mails

    def invite(self, call: Call, row: InvitationRow) -> None:
        """Keeps the invitation and mails it."""
        memberships.check_shops(row.all_shops, row.shop_ids, "invitation.shop_ids")
        row.language_code = row.language_code or companies.find(call.db, row.company).language_code
        managing.check_gift(call.db, row.company, managing.manager(call.caller), row)
        call.db.add(row)
        self._send(call, row)

    def resend(self, call: Call, company: str, invitation_id: str) -> InvitationRow:
        """Mails it again: the link before opens nothing any more, and it lives seven days from now."""
        row = self._open(call, company, invitation_id)
        if not row.email:
            raise Precondition("The invitation expired too long ago.", reason="INVITATION_OVER")
        row.send_time = call.now
        self._send(call, row)
        return row

    def withdraw(self, call: Call, company: str, invitation_id: str) -> InvitationRow:
        """Takes it back."""
        row = self._open(call, company, invitation_id, withdrawn_too=True)
        links.withdraw(call.db, row.name)
        row.state, row.email = WITHDRAWN, ""
        return row

    def _open(
        self, call: Call, company: str, invitation_id: str, *, withdrawn_too: bool = False
    ) -> InvitationRow:
        """The invitation, which the caller could make and which is not over."""
        row = invitations.find(call.db, company, invitation_id, for_update=True)
        managing.check_gift(call.db, company, managing.manager(call.caller), row)
        if row.state != PENDING and not (withdrawn_too and row.state == WITHDRAWN):
            what = "taken" if row.state == ACCEPTED else "taken back"
            raise Precondition(f"The invitation was {what}.", reason="INVITATION_OVER")
        return row

    def _send(self, call: Call, row: InvitationRow) -> None:
        address = f"{row.company}\0{row.email.casefold()}"
        for limit, key in ((ADDRESS, address), (COMPANY, row.company)):
            if not attempts.allowed(call.db, limit, key, call.now):
                raise Exhausted(
                    "Too many invitations within an hour.",
                    reason="TOO_MANY_INVITATIONS",
                    retry_after_seconds=limit.pause.total_seconds(),
                )
        self.mail(call.db, row, call.now)

    def mail(self, db: Session, row: InvitationRow, now: datetime) -> None:
        """Mails the invitation, however often that was done."""
        link_id = self.links.issue(db, INVITATION, row.name, now)
        self.mails.invited(db, row, link_id, now)

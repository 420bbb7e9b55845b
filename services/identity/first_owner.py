"""The first owner of a company (CO13): invited when the feed tells that the company was opened with one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from services.chassis.changes.recorder import CREATE
from services.chassis.db.tenancy import ScopedSession
from services.chassis.mirrors.told import Told
from services.identity import attempts, companies
from services.identity.attempts import Limit
from services.identity.invitations import InvitationRow
from services.identity.inviting import Inviting
from services.identity.memberships import OWNER

SOURCES = frozenset({"company"})
OPENING = "comptoir.company/Opening"
ADDRESS = Limit("first-owner-address", tries=20, within=timedelta(hours=1), pause=timedelta(hours=1))
"""Of one address, over all companies that are opened for it."""


@dataclass(frozen=True)
class FirstOwner:
    """Makes the invitation, once."""

    inviting: Inviting

    def react(self, session: ScopedSession, change: Told) -> None:
        """Invites in the name of whoever opened the company, as `CreateInvitation` would."""
        company = session.scope.company
        if company is None or (change.type, change.action) != (OPENING, CREATE):
            return
        # The first of a company has the company's own id.
        if session.get(InvitationRow, (company, company)) is not None:
            return
        now = datetime.now(UTC)
        row = InvitationRow(
            company=company,
            invitation_id=company,
            email=change.state["owner_email"],
            role=OWNER,
            all_shops=True,
            shop_ids=[],
            language_code=companies.find(session, company).language_code,
            inviter=change.actor,
            by_operator=True,
            create_time=now,
            send_time=now,
        )
        session.add(row)
        # There is nobody left to refuse: beyond the limit the invitation waits for `ResendInvitation`.
        if attempts.allowed(session, ADDRESS, row.email.casefold(), now):
            self.inviting.mail(session, row, now)

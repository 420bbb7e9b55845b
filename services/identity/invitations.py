"""A place in a company, offered by mail (ID8): to whoever reads that mail, once, within seven days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ARRAY, Text, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from services.chassis.authorize import unknown
from services.chassis.changes.recorder import Recorded
from services.chassis.contract import PATTERNS
from services.chassis.db.rows import TenantRow
from services.chassis.pages import Page
from services.identity.links import INVITATION
from services.identity.rows import Base

NAME = PATTERNS["comptoir.identity/Invitation"]
PENDING, ACCEPTED, WITHDRAWN, EXPIRED = "PENDING", "ACCEPTED", "WITHDRAWN", "EXPIRED"


class InvitationRow(TenantRow, Base):
    """One invitation. Who has an account with its address, it does not know, so nobody can learn it here."""

    __tablename__ = "invitations"
    __recorded__ = Recorded(
        "comptoir.identity/Invitation",
        secret=frozenset({"email"}),
        omit=frozenset({"company", "invitation_id", "by_operator"}),
    )

    invitation_id: Mapped[str] = mapped_column(primary_key=True)
    email: Mapped[str]
    role: Mapped[str]
    all_shops: Mapped[bool]
    shop_ids: Mapped[list[str]] = mapped_column(ARRAY(Text))
    language_code: Mapped[str]
    inviter: Mapped[str]
    by_operator: Mapped[bool]
    state: Mapped[str] = mapped_column(default=PENDING)
    create_time: Mapped[datetime]
    send_time: Mapped[datetime]

    @property
    def name(self) -> str:
        return NAME.format({"company": self.company, "invitation": self.invitation_id})

    @property
    def history(self) -> str:
        """It stands with the changes of places, in the history of the one that it offers, under its own id."""
        return f"companies/{self.company}/memberships/{self.invitation_id}"

    @property
    def preset(self) -> str:
        return self.role.removeprefix("ROLE_").lower()

    @property
    def expire_time(self) -> datetime:
        return self.send_time + INVITATION.lifetime

    def state_at(self, now: datetime) -> str:
        """What became of it: nobody has to note that it expired."""
        return EXPIRED if self.state == PENDING and self.expire_time <= now else self.state


def find(db: Session, company: str, invitation_id: str, *, for_update: bool = False) -> InvitationRow:
    """The invitation, or the answer for an unknown one."""
    query = select(InvitationRow).where(
        InvitationRow.company == company, InvitationRow.invitation_id == invitation_id
    )
    row = db.scalars(
        query.with_for_update() if for_update else query, execution_options={"populate_existing": True}
    ).one_or_none()
    if row is None:
        raise unknown(NAME.format({"company": company, "invitation": invitation_id}))
    return row


def mailed_before(db: Session, time: datetime) -> Sequence[InvitationRow]:
    """Those of the company that bear an address still, though they were mailed that long ago or taken back; held."""
    over = or_(InvitationRow.send_time <= time, InvitationRow.state != PENDING)
    query = select(InvitationRow).where(InvitationRow.email != "", over)
    return db.scalars(query.with_for_update(skip_locked=True)).all()


def listed(db: Session, page: Page) -> Sequence[InvitationRow]:
    """One page of the company's invitations, newest first."""
    made, name = InvitationRow.create_time, InvitationRow.invitation_id
    query = select(InvitationRow).order_by(made.desc(), name).limit(page.limit)
    if page.after is not None:
        time, last = datetime.fromisoformat(page.after[0]), page.after[1]
        query = query.where(or_(made < time, (made == time) & (name > last)))
    return db.scalars(query).all()

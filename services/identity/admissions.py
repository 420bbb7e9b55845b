"""Somebody with an account asks for a place they were invited to: operators decide, the company sees nothing (ID7)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from services.chassis.authorize import unknown
from services.chassis.changes.recorder import Recorded
from services.chassis.contract import PATTERNS
from services.chassis.db.rows import DirectoryRow
from services.chassis.errors import Exists
from services.chassis.pages import Page
from services.identity import invitations, users
from services.identity.rows import Base

NAME = PATTERNS["comptoir.identity/Admission"]


class AdmissionRow(DirectoryRow, Base):
    """One request: of a person, for an invitation. Decided, it is gone; the record says how."""

    __tablename__ = "admissions"
    __recorded__ = Recorded(
        "comptoir.identity/Admission", omit=frozenset({"admission_id", "user_display_name"})
    )
    __table_args__ = (
        ForeignKeyConstraint(["user_id"], ["users.user_id"], ondelete="CASCADE"),
        UniqueConstraint("company", "user_id", name="admissions_company_user_id"),
        Index("admissions_user_id", "user_id"),
        DirectoryRow.__table_args__,
    )

    admission_id: Mapped[str] = mapped_column(primary_key=True)
    company: Mapped[str]
    invitation_id: Mapped[str]
    user_id: Mapped[str]
    user_display_name: Mapped[str]
    create_time: Mapped[datetime]

    @property
    def name(self) -> str:
        return NAME.format({"admission": self.admission_id})

    @property
    def history(self) -> str:
        return self.user

    @property
    def invitation(self) -> str:
        return invitations.NAME.format({"company": self.company, "invitation": self.invitation_id})

    @property
    def user(self) -> str:
        return users.NAME.format({"user": self.user_id})


def hold(db: Session, admission_id: str) -> AdmissionRow:
    """The request, which nobody else decides meanwhile; or the answer for an unknown one."""
    return find(db, admission_id, for_update=True)


def find(db: Session, admission_id: str, *, for_update: bool = False) -> AdmissionRow:
    """The request, or the answer for an unknown one."""
    query = select(AdmissionRow).where(AdmissionRow.admission_id == admission_id)
    if for_update:
        query = query.with_for_update()
    row = db.scalars(query, execution_options={"populate_existing": True}).one_or_none()
    if row is None:
        raise unknown(NAME.format({"admission": admission_id}))
    return row


def asked_twice() -> Exists:
    """What the violated constraint means."""
    return Exists("The person asks for a place in this company already.", reason="ADMISSION_EXISTS")


def withdraw(db: Session, company: str, user_id: str) -> None:
    """Takes away what the person asks for there already."""
    query = select(AdmissionRow).where(AdmissionRow.company == company, AdmissionRow.user_id == user_id)
    for row in db.scalars(query.with_for_update()):
        db.delete(row)
    db.flush()


def listed(db: Session, page: Page) -> Sequence[AdmissionRow]:
    """One page of the requests, oldest first."""
    made, name = AdmissionRow.create_time, AdmissionRow.admission_id
    query = select(AdmissionRow).order_by(made, name).limit(page.limit)
    if page.after is not None:
        time, last = datetime.fromisoformat(page.after[0]), page.after[1]
        query = query.where(or_(made > time, (made == time) & (name > last)))
    return db.scalars(query).all()

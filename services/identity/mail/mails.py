"""What identity writes to people about, and when: their accounts and their places in companies (ID4, ID5, ID7, IN5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from services.chassis.changes.recorder import Recorded
from services.chassis.contract import PATTERNS
from services.chassis.outbox.mail import Mail
from services.chassis.outbox.outbox import Outbox
from services.chassis.outbox.tables import OutboxRow
from services.identity import users
from services.identity.admissions import AdmissionRow
from services.identity.invitations import InvitationRow
from services.identity.memberships import MemberRow
from services.identity.rows import Base
from services.identity.users import UserRow

NAME = PATTERNS["comptoir.identity/Mail"]
LINK = "link"
"""Argument of mails that bear a link: its id, of which the sender makes the address."""
PLACE_GIVEN, PLACE_CHANGED, PLACE_TAKEN = "place_given", "place_changed", "place_taken"
PASSWORD_CHANGED, PASSWORD_RESET, LOCKED = "password_changed", "password_reset", "locked"
INVITED, ADMISSION_REFUSED = "invited", "admission_refused"
EMAIL_CONFIRM, EMAIL_CHANGING, EMAIL_CHANGED = "email_confirm", "email_changing", "email_changed"
LOGIN_CHANGED = "login_changed"
UNCONFIRMED, FORMER = "unconfirmed", "former"
"""Addresses of a person beside the one that counts, as the contact of a mail."""
PLACE_SUSPENDED, PLACE_RESUMED = "place_suspended", "place_resumed"


class MailRow(OutboxRow, Base):
    """One mail of identity. What operators do with a dead one is a change; what the sender notes on it is none."""

    __recorded__ = Recorded(
        "comptoir.identity/Mail", omit=frozenset({"mail_id", "contact", "arguments", "message_id"})
    )

    @property
    def name(self) -> str:
        return NAME.format({"mail": self.mail_id})


@dataclass(frozen=True)
class Mails:
    """Writes mails, in the transaction of what they tell of."""

    outbox: Outbox[MailRow]

    def place_given(self, db: Session, place: MemberRow, now: datetime) -> None:
        """Tells the person that they reach a company, and as what."""
        self._of_place(db, PLACE_GIVEN, place, now)

    def place_changed(self, db: Session, place: MemberRow, now: datetime) -> None:
        """Tells the person that their role or their shops are others."""
        self._of_place(db, PLACE_CHANGED, place, now)

    def place_suspended(self, db: Session, place: MemberRow, now: datetime) -> None:
        """Tells the person that they are kept out for now."""
        self._of_place(db, PLACE_SUSPENDED, place, now)

    def place_resumed(self, db: Session, place: MemberRow, now: datetime) -> None:
        """Tells the person that they are let in again."""
        self._of_place(db, PLACE_RESUMED, place, now)

    def place_taken(self, db: Session, place: MemberRow, now: datetime) -> None:
        """Tells the person that they no longer reach a company."""
        self._of_place(db, PLACE_TAKEN, place, now)

    def password_changed(self, db: Session, person: UserRow, now: datetime) -> None:
        """Tells the person that their password is another."""
        self._of_person(db, PASSWORD_CHANGED, person.user_id, now)

    def reset(self, db: Session, user_id: str, link_id: str, now: datetime) -> None:
        """Brings the link that sets a new password."""
        self._of_person(db, PASSWORD_RESET, user_id, now, link_id)

    def locked(self, db: Session, user_id: str, now: datetime) -> None:
        """Tells the person that their login is locked, and where to have it unlocked."""
        self._of_person(db, LOCKED, user_id, now)

    def invited(self, db: Session, invitation: InvitationRow, link_id: str, now: datetime) -> None:
        """Brings the link that takes the place which is offered."""
        arguments = {"company": invitation.company, "role": invitation.preset, LINK: link_id}
        company = f"companies/{invitation.company}"
        self.outbox.add(db, Mail(INVITED, company, arguments, contact=invitation.invitation_id), now)

    def admission_refused(self, db: Session, admission: AdmissionRow, now: datetime) -> None:
        """Tells the person that they do not get the place that they asked for."""
        arguments = {"company": admission.company}
        self.outbox.add(db, Mail(ADMISSION_REFUSED, admission.user, arguments), now)

    def confirm_email(self, db: Session, user_id: str, link_id: str, now: datetime) -> None:
        """Brings the link that confirms a new address to that address."""
        self._of_person(db, EMAIL_CONFIRM, user_id, now, link_id, UNCONFIRMED)

    def email_changing(self, db: Session, user_id: str, now: datetime) -> None:
        """Tells the address that counts that another is to replace it."""
        self._of_person(db, EMAIL_CHANGING, user_id, now, contact=FORMER)

    def email_changed(self, db: Session, user_id: str, now: datetime) -> None:
        """Tells the address that counted that another has replaced it."""
        self._of_person(db, EMAIL_CHANGED, user_id, now, contact=FORMER)

    def login_changed(self, db: Session, user_id: str, now: datetime) -> None:
        """Tells the person that they sign in with another login."""
        self._of_person(db, LOGIN_CHANGED, user_id, now)

    def _of_person(
        self, db: Session, kind: str, user_id: str, now: datetime, link_id: str = "", contact: str = ""
    ) -> None:
        arguments = {LINK: link_id} if link_id else {}
        self.outbox.add(db, Mail(kind, users.NAME.format({"user": user_id}), arguments, contact), now)

    def _of_place(self, db: Session, kind: str, place: MemberRow, now: datetime) -> None:
        recipient = users.NAME.format({"user": place.user_id})
        arguments = {"company": place.company, "role": place.preset}
        self.outbox.add(db, Mail(kind, recipient, arguments), now)

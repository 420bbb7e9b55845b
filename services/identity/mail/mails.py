"""What identity writes to people about: their accounts, factors and places in companies (ID4, ID5, ID7, ID10, IN5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Mapped, Session

from services.chassis.changes.recorder import Recorded
from services.chassis.contract import PATTERNS
from services.chassis.outbox.mail import Mail
from services.chassis.outbox.outbox import Outbox
from services.chassis.outbox.tables import OutboxRow
from services.chassis.vault.place import Place
from services.chassis.vault.secret import Secret
from services.chassis.vault.vault import Vault
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
FACTOR_ADDED, FACTOR_REMOVED, FACTORS_RESET = "factor_added", "factor_removed", "factors_reset"
RECOVERY_CODE_USED = "recovery_code_used"
EMERGENCY_ACCESS = "emergency_access"


class MailRow(OutboxRow, Base):
    """One mail of identity. What operators do with a dead one is a change; what the sender notes on it is none."""

    __recorded__ = Recorded(
        "comptoir.identity/Mail",
        omit=frozenset({"mail_id", "contact", "arguments", "message_id", "sealed_to"}),
    )

    sealed_to: Mapped[bytes | None]
    """The address, sealed, where it must be the one of the moment and not the one that counts when the mail goes."""

    @property
    def name(self) -> str:
        return NAME.format({"mail": self.mail_id})


@dataclass(frozen=True)
class Mails:
    """Writes mails, in the transaction of what they tell of."""

    outbox: Outbox[MailRow]
    vault: Vault

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
        self._to_person(db, PASSWORD_CHANGED, person.user_id, {}, now)

    def reset(self, db: Session, user_id: str, link_id: str, now: datetime) -> None:
        """Brings the link that sets a new password."""
        self._to_person(db, PASSWORD_RESET, user_id, {LINK: link_id}, now)

    def locked(self, db: Session, user_id: str, now: datetime) -> None:
        """Tells the person that their login is locked, and where to have it unlocked."""
        self._to_person(db, LOCKED, user_id, {}, now)

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
        self._to_person(db, EMAIL_CONFIRM, user_id, {LINK: link_id}, now, UNCONFIRMED)

    def email_changing(self, db: Session, person: UserRow, now: datetime) -> None:
        """Tells the address that counts that another is to replace it."""
        self._to_former(db, EMAIL_CHANGING, person, now)

    def email_changed(self, db: Session, person: UserRow, now: datetime) -> None:
        """Tells the address that counted that another has replaced it."""
        self._to_former(db, EMAIL_CHANGED, person, now)

    def login_changed(self, db: Session, user_id: str, now: datetime) -> None:
        """Tells the person that they sign in with another login."""
        self._to_person(db, LOGIN_CHANGED, user_id, {}, now)

    def factor_added(self, db: Session, user_id: str, factor: str, now: datetime) -> None:
        """Tells the person that something more opens their account."""
        self._to_person(db, FACTOR_ADDED, user_id, {"factor": factor}, now)

    def factor_removed(self, db: Session, user_id: str, factor: str, now: datetime) -> None:
        """Tells the person that something no longer opens their account."""
        self._to_person(db, FACTOR_REMOVED, user_id, {"factor": factor}, now)

    def factors_reset(self, db: Session, user_id: str, now: datetime) -> None:
        """Tells the person that customer service took their factors away."""
        self._to_person(db, FACTORS_RESET, user_id, {}, now)

    def emergency_access(self, db: Session, user_id: str, now: datetime) -> None:
        """Tells an operator that a link which sets their password was given out by hand."""
        self._to_person(db, EMERGENCY_ACCESS, user_id, {}, now)

    def recovery_code_used(self, db: Session, user_id: str, remaining: int, now: datetime) -> None:
        """Tells the person that a recovery code was used, and how many are left."""
        self._to_person(db, RECOVERY_CODE_USED, user_id, {"remaining": str(remaining)}, now)

    def _of_place(self, db: Session, kind: str, place: MemberRow, now: datetime) -> None:
        self._to_person(db, kind, place.user_id, {"company": place.company, "role": place.preset}, now)

    def _to_former(self, db: Session, kind: str, person: UserRow, now: datetime) -> None:
        """To the address that counted at this moment: another change soon after must not redirect what tells of it."""
        mail_id = self._to_person(db, kind, person.user_id, {}, now, FORMER)
        sealed = self.vault.seal(db.connection(), place_of(mail_id, person.name), Secret(person.former_email))
        table = self.outbox.table
        db.execute(update(table).where(table.c.mail_id == mail_id).values(sealed_to=sealed))

    def _to_person(
        self,
        db: Session,
        kind: str,
        user_id: str,
        arguments: dict[str, str],
        now: datetime,
        contact: str = "",
    ) -> str:
        mail = Mail(kind, users.NAME.format({"user": user_id}), arguments, contact)
        return self.outbox.add(db, mail, now)


def place_of(mail_id: str, recipient: str) -> Place:
    """Where the address of a mail is sealed: under the person's own key, which is gone when they are erased."""
    return Place(
        service="identity",
        company=recipient,
        table=MailRow.__tablename__,
        column="sealed_to",
        row=mail_id,
        kind="email",
        environment="-",
    )

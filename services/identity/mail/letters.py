"""What mails say, found when they are sent: in the reader's language, by the clock of the reader's zone (ID3, IN5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from services.chassis.clock import Clock
from services.chassis.contract import PATTERNS
from services.chassis.db.database import enter
from services.chassis.db.scope import Scope
from services.chassis.db.tenancy import ScopedSession
from services.chassis.outbox.mail import Letter
from services.chassis.outbox.message import one_line
from services.chassis.vault.vault import Vault
from services.identity import companies, users
from services.identity.invitations import PENDING, InvitationRow
from services.identity.links import Address, Links
from services.identity.mail.mails import FORMER, LINK, UNCONFIRMED, MailRow, place_of
from services.identity.users import UserRow
from services.look import dates
from services.look.languages import first_known
from services.look.words import SHARED, Translate, Words

HELP = "/help/password"
"""Page of the gateway where a link for a new password is asked for."""
_COMPANY = PATTERNS["comptoir.company/Company"]
_ADDRESSES = {"": "email", UNCONFIRMED: "unconfirmed_email", FORMER: "former_email"}
WORDS = Words(SHARED, Path(__file__).parent / "words")


@dataclass(frozen=True)
class Letters:
    """Writes the letters that mails stand for."""

    vault: Vault
    links: Links
    clock: Clock

    def write(self, db: ScopedSession, mail: MailRow) -> Letter | None:
        """The letter to the person, or to whoever is invited, to whose rows the session is confined from here on; None
        if these are gone, or if the link that the mail is about opens nothing any more."""
        address = self._address(db, mail)
        if LINK in mail.arguments and address is None:
            return None
        # What goes to a company goes to somebody it invited.
        company = _COMPANY.parse(mail.recipient)
        reader = _invited(db, company["company"], mail.contact) if company else self._person(db, mail)
        if reader is None:
            return None
        say = WORDS.into(reader.language)
        values = {
            "person": one_line(reader.name),
            "time": dates.time(mail.create_time, reader.time_zone, say),
            "login": reader.login,
            "help": self.links.origin + HELP,
            **_place(db, mail.arguments, say),
            **_factor(mail.arguments, say),
        }
        if address is not None:
            values |= {"link": address.url, "until": dates.time(address.expire_time, reader.time_zone, say)}
        body = say(f"{mail.kind}.text", **values)
        return Letter(
            to=reader.address,
            subject=say(f"{mail.kind}.subject", **values),
            text=say("letter" if reader.name else "letter_to_nobody", **values, body=body.strip()).lstrip(),
            language=reader.language,
        )

    def _address(self, db: ScopedSession, mail: MailRow) -> Address | None:
        return self.links.address(db, mail.arguments[LINK], self.clock()) if LINK in mail.arguments else None

    def _person(self, db: ScopedSession, mail: MailRow) -> Reader | None:
        user_id = (users.NAME.parse(mail.recipient) or {})["user"]
        enter(db, Scope(user=user_id))
        row = db.scalars(select(UserRow).where(UserRow.user_id == user_id)).one_or_none()
        if row is None:
            return None
        address = self._sealed(db, mail) or getattr(row, _ADDRESSES[mail.contact])
        if not address:
            return None
        return Reader(address, row.display_name, first_known(row.language_code), row.time_zone, row.login)

    def _sealed(self, db: ScopedSession, mail: MailRow) -> str:
        if mail.sealed_to is None:
            return ""
        place = place_of(mail.mail_id, mail.recipient)
        return self.vault.open(db.connection(), place, mail.sealed_to).reveal_text()


@dataclass(frozen=True)
class Reader:
    """Whom a letter goes to, in which language, by which clock."""

    address: str
    name: str
    """Empty if it is not known."""
    language: str
    time_zone: str
    login: str = ""


def _invited(db: ScopedSession, company: str, invitation: str) -> Reader | None:
    enter(db, Scope(company=company))
    query = select(InvitationRow).where(InvitationRow.invitation_id == invitation)
    row = db.scalars(query).one_or_none()
    if row is None or row.state != PENDING:
        return None
    zone = companies.find(db, company).time_zone
    return Reader(row.email, "", first_known(row.language_code), zone)


def _place(db: ScopedSession, arguments: Mapping[str, str], say: Translate) -> dict[str, str]:
    """Words for the company and the role that a mail is about, if it is about any."""
    values = {}
    if company := arguments.get("company"):
        values["company"] = one_line(companies.names(db, [company]).get(company, company))
    if role := arguments.get("role"):
        values["role"] = say(f"role.{role}")
    return values


def _factor(arguments: Mapping[str, str], say: Translate) -> dict[str, str]:
    """Words for the factor that a mail is about, if it is about any, and how many recovery codes are left."""
    values = {name: arguments[name] for name in ("remaining",) if name in arguments}
    if factor := arguments.get("factor"):
        values["factor"] = say(f"factor.{factor}")
    return values

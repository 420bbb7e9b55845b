"""What mails say, found when they are sent: in the reader's language, by the clock of the reader's zone (ID3, IN5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import select

from services.chassis.clock import Clock
from services.chassis.db.database import enter
from services.chassis.db.scope import Scope
from services.chassis.db.tenancy import ScopedSession
from services.chassis.outbox.mail import Letter
from services.chassis.outbox.message import one_line
from services.identity import companies, users
from services.identity.links import Address, Links
from services.identity.mail.mails import LINK, MailRow
from services.identity.users import UserRow
from services.look.languages import first_known
from services.look.words import Translate, Words

HELP = "/help/password"
"""Page of the gateway where a link for a new password is asked for."""
WORDS = Words(Path(__file__).parent / "words")


@dataclass(frozen=True)
class Letters:
    """Writes the letters that mails stand for."""

    links: Links
    clock: Clock

    def write(self, db: ScopedSession, mail: MailRow) -> Letter | None:
        """The letter to the person, whose account the session is confined to from here on; None if that is gone, or
        if the link that the mail is about opens nothing any more."""
        address = self._address(db, mail)
        if LINK in mail.arguments and address is None:
            return None
        user_id = (users.NAME.parse(mail.recipient) or {})["user"]
        enter(db, Scope(user=user_id))
        person = db.scalars(select(UserRow).where(UserRow.user_id == user_id)).one_or_none()
        if person is None:
            return None
        language = first_known(person.language_code)
        say = WORDS.into(language)
        values = {
            "person": one_line(person.display_name),
            "time": _time(mail.create_time, person.time_zone, say),
            "help": self.links.origin + HELP,
            **_place(db, mail.arguments, say),
        }
        if address is not None:
            values |= {"link": address.url, "until": _time(address.expire_time, person.time_zone, say)}
        body = say(f"{mail.kind}.text", **values)
        return Letter(
            to=person.email,
            subject=say(f"{mail.kind}.subject", **values),
            text=say("letter", person=values["person"], body=body.strip()).lstrip(),
            language=language,
        )

    def _address(self, db: ScopedSession, mail: MailRow) -> Address | None:
        return self.links.address(db, mail.arguments[LINK], self.clock()) if LINK in mail.arguments else None


def _place(db: ScopedSession, arguments: Mapping[str, str], say: Translate) -> dict[str, str]:
    """Words for the company and the role that a mail is about, if it is about any."""
    values = {}
    if company := arguments.get("company"):
        values["company"] = one_line(companies.names(db, [company]).get(company, company))
    if role := arguments.get("role"):
        values["role"] = say(f"role.{role}")
    return values


def _time(moment: datetime, zone: str, say: Translate) -> str:
    """Date, time and zone as the language writes them."""
    local = moment.astimezone(ZoneInfo(zone))
    parts = {name: getattr(local, name) for name in ("year", "month", "day", "hour", "minute")}
    return say("time", **parts, zone=zone)

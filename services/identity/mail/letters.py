"""What mails say, found when they are sent: in the reader's language, by the clock of the reader's zone (ID3, IN5)."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import select

from services.chassis.db.database import enter
from services.chassis.db.scope import Scope
from services.chassis.db.tenancy import ScopedSession
from services.chassis.outbox.mail import Letter
from services.chassis.outbox.message import one_line
from services.identity import companies, users
from services.identity.mail.mails import MailRow
from services.identity.users import UserRow
from services.look.languages import first_known
from services.look.words import Translate, Words

WORDS = Words(Path(__file__).parent / "words")


def letter(db: ScopedSession, mail: MailRow) -> Letter | None:
    """The letter to the person, whose account the session is confined to from here on; None if that is gone."""
    user_id = (users.NAME.parse(mail.recipient) or {})["user"]
    enter(db, Scope(user=user_id))
    person = db.scalars(select(UserRow).where(UserRow.user_id == user_id)).one_or_none()
    if person is None:
        return None
    language = first_known(person.language_code)
    say = WORDS.into(language)
    company = mail.arguments["company"]
    values = {
        "person": one_line(person.display_name),
        "company": one_line(companies.names(db, [company]).get(company, company)),
        "role": say(f"role.{mail.arguments['role']}"),
        "time": _time(mail.create_time, person.time_zone, say),
    }
    body = say(f"{mail.kind}.text", **values)
    return Letter(
        to=person.email,
        subject=say(f"{mail.kind}.subject", **values),
        text=say("letter", person=values["person"], body=body.strip()).lstrip(),
        language=language,
    )


def _time(moment: datetime, zone: str, say: Translate) -> str:
    """Date, time and zone as the language writes them."""
    local = moment.astimezone(ZoneInfo(zone))
    parts = {name: getattr(local, name) for name in ("year", "month", "day", "hour", "minute")}
    return say("time", **parts, zone=zone)

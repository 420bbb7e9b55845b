"""Links that identity mails: each opens one thing for whoever has the mail, once, and not for long (ID2, ID5, ID8).

A link is issued in the transaction that causes its mail, which waits with the link's id alone. Its value, `<id>.<MAC>`,
is derived when the mail is sent, so neither the queue nor the database holds one that opens anything. There is one live
link for a subject and a purpose: issuing another ends the one before, whose mail is not sent any more.

The subject is the resource that the link is about: a person, or an invitation to somebody who has no account yet.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Index, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from services.chassis.db.rows import DirectoryRow
from services.chassis.errors import Precondition
from services.chassis.names import new_id
from services.chassis.vault.vault import Vault
from services.identity.derived import Derived
from services.identity.rows import Base
from services.identity.sweeping import Sweep

PARAMETER = "link"
"""What carries the value in the address."""
_SHAPE = re.compile(r"[a-z][a-z2-7]{19}\.[A-Za-z0-9_-]{43}")


@dataclass(frozen=True)
class Purpose:
    """What links are for: how long they live, and to which page of the gateway they lead."""

    name: str
    lifetime: timedelta
    page: str


RESET = Purpose("reset", timedelta(minutes=30), "/password/reset")
"""Sets a new password and unlocks the login."""
INVITATION = Purpose("invitation", timedelta(days=7), "/invitation")
"""Takes the place that an invitation offers."""
CONFIRM_EMAIL = Purpose("confirm-email", timedelta(hours=24), "/account/email")
"""Makes a new e-mail address count."""
PURPOSES = {purpose.name: purpose for purpose in (RESET, INVITATION, CONFIRM_EMAIL)}


class LinkRow(DirectoryRow, Base):
    """The one live link of a purpose that is about the subject. Used up, it is gone."""

    __tablename__ = "links"
    __table_args__ = (
        Index("links_link_id", "link_id", unique=True),
        Index("links_expire_time", "expire_time"),
        DirectoryRow.__table_args__,
    )

    purpose: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    """Resource name of what the link is about."""
    link_id: Mapped[str]
    expire_time: Mapped[datetime]


_sweep = Sweep(LinkRow.__table__)


@dataclass(frozen=True)
class Address:
    """A link as a mail shows it."""

    url: str
    expire_time: datetime


class Links:
    """Issues links, derives what their mails show, and lets each be used once."""

    def __init__(self, vault: Vault, issuer: str) -> None:
        """`issuer`: the gateway's origin, from configuration and never from a header."""
        self._vault = vault
        self.origin = issuer

    def issue(self, db: Session, purpose: Purpose, subject: str, now: datetime) -> str:
        """The id of a new link, for the arguments of its mail (`link`). The one before opens nothing any more."""
        _sweep(db, now)
        link_id = new_id()
        fresh = {"link_id": link_id, "expire_time": now + purpose.lifetime}
        link = insert(LinkRow).values(purpose=purpose.name, subject=subject, **fresh)
        db.execute(link.on_conflict_do_update(index_elements=["purpose", "subject"], set_=fresh))
        return link_id

    def hand_out(self, db: Session, purpose: Purpose, subject: str, now: datetime) -> str:
        """The value of a new link, for a page instead of a mail."""
        return self._values(purpose).value(db, self.issue(db, purpose, subject, now))

    def address(self, db: Session, link_id: str, now: datetime) -> Address | None:
        """Where the link leads, for the letter; None if it was used up, replaced or withdrawn, or is too old.

        For a session that is not confined yet (`Derived.value`).
        """
        row = db.scalars(select(LinkRow).where(LinkRow.link_id == link_id)).one_or_none()
        if row is None or row.expire_time <= now:
            return None
        purpose = PURPOSES[row.purpose]
        query = urlencode({PARAMETER: self._values(purpose).value(db, link_id)})
        return Address(f"{self.origin}{purpose.page}?{query}", row.expire_time)

    def read(self, db: Session, purpose: Purpose, value: str, now: datetime) -> LinkRow:
        """The live link that the value opens, without using it up. Raises Precondition (`LINK_NOT_VALID`)."""
        return self._find(db, purpose, value, now, select(LinkRow))

    def redeem(self, db: Session, purpose: Purpose, value: str, now: datetime) -> LinkRow:
        """As `read`, and the link is used up if the transaction commits: of several at once one succeeds."""
        row = self._find(db, purpose, value, now, select(LinkRow).with_for_update())
        db.delete(row)
        db.flush()
        return row

    def _find(self, db: Session, purpose: Purpose, value: str, now: datetime, query: Any) -> LinkRow:
        link_id = self._values(purpose).subject(db, value) if _SHAPE.fullmatch(value) else None
        found = query.where(LinkRow.link_id == link_id, LinkRow.purpose == purpose.name)
        row: LinkRow | None = db.scalars(found, execution_options={"populate_existing": True}).one_or_none()
        if row is None or row.expire_time <= now:
            raise not_valid()
        return row

    def _values(self, purpose: Purpose) -> Derived:
        return Derived(self._vault, f"link-{purpose.name}")


def withdraw(db: Session, subject: str, purpose: Purpose | None = None) -> None:
    """Ends the live link of the purpose, or every one that is about the subject."""
    gone = delete(LinkRow).where(LinkRow.subject == subject)
    if purpose is not None:
        gone = gone.where(LinkRow.purpose == purpose.name)
    db.execute(gone, execution_options={"synchronize_session": False})


def not_valid() -> Precondition:
    """One answer for a link that never was, was used up or replaced, or is too old: which, would help only a thief."""
    return Precondition("The link is not valid, or not valid any more.", reason="LINK_NOT_VALID")

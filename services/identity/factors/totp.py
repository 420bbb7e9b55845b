"""Codes by time (RFC 6238): the sealed secret of a person's authenticator application, and the last step used of it.

A code is good for its step and one on either side, for clocks that differ, and each step once: whoever saw it typed
cannot use it again. Whoever judges a code holds the row, so that of many who send the same one at once one is let in.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import pyotp
import segno
from pyotp.exceptions import OTPVerificationError
from sqlalchemy import BigInteger, ForeignKeyConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from services.chassis.changes.recorder import Recorded
from services.chassis.contract import PATTERNS
from services.chassis.db.rows import PersonRow
from services.chassis.vault.place import Place
from services.chassis.vault.secret import Secret
from services.chassis.vault.vault import Vault
from services.identity import users
from services.identity.rows import Base
from services.identity.users import UserRow

NAME = PATTERNS["comptoir.identity/Totp"]
CONFIRMED_WITHIN = timedelta(minutes=15)
"""How long a secret waits for its first code."""
_CODE = re.compile(r"[0-9]{6}")
WINDOW = 1
"""Steps of 30 seconds before and after the present one of which codes are taken."""


class TotpRow(PersonRow, Base):
    """One person's application. Uses are counted, and no change of the record."""

    __tablename__ = "totps"
    __recorded__ = Recorded(
        "comptoir.identity/Totp", secret=frozenset({"sealed"}), omit=frozenset({"step", "use_time"})
    )
    __table_args__ = (
        ForeignKeyConstraint(["user_id"], ["users.user_id"], ondelete="CASCADE"),
        PersonRow.__table_args__,
    )

    sealed: Mapped[bytes]
    create_time: Mapped[datetime]
    confirm_time: Mapped[datetime | None]
    step: Mapped[int | None] = mapped_column(BigInteger)
    """The latest step of which a code was taken."""
    use_time: Mapped[datetime | None]

    @property
    def name(self) -> str:
        return NAME.format({"user": self.user_id})

    @property
    def history(self) -> str:
        return users.NAME.format({"user": self.user_id})


@dataclass(frozen=True)
class Enrolment:
    """A new secret, as the person takes it over."""

    secret: str
    uri: str

    def picture(self) -> str:
        """The address as a QR code in SVG, without a prologue, so that a page can hold it."""
        out = io.BytesIO()
        segno.make(self.uri, error="m", micro=False).save(
            out, kind="svg", scale=5, xmldecl=False, svgns=True, nl=False, omitsize=False
        )
        return out.getvalue().decode()


class Totps:
    """Makes secrets and judges codes."""

    def __init__(self, vault: Vault, issuer: str) -> None:
        self._vault = vault
        self._name = urlsplit(issuer).hostname or issuer

    def enrol(self, db: Session, row: TotpRow | None, person: UserRow, now: datetime) -> Enrolment:
        """A new secret, in place of one that was never confirmed."""
        secret = pyotp.random_base32()
        sealed = self._vault.seal(db.connection(), place_of(person.user_id), Secret(secret))
        if row is None:
            row = TotpRow(user_id=person.user_id)
            db.add(row)
        row.sealed, row.create_time = sealed, now
        db.flush()
        return self._enrolment(secret, person)

    def shown(self, db: Session, row: TotpRow, person: UserRow) -> Enrolment:
        """A secret that waits for its first code, once more."""
        secret = self._vault.open(db.connection(), place_of(row.user_id), row.sealed)
        return self._enrolment(secret.reveal_text(), person)

    def accept(self, db: Session, row: TotpRow, code: str, now: datetime) -> bool:
        """Whether the code is one of now that was not used before; it is used hereby. The row is held."""
        if not _CODE.fullmatch(code):
            return False
        secret = self._vault.open(db.connection(), place_of(row.user_id), row.sealed)
        try:
            step = pyotp.TOTP(secret.reveal_text()).verify_and_get_timecode(
                code, for_time=now.timestamp(), valid_window=WINDOW
            )
        except OTPVerificationError:
            return False
        if row.step is not None and step <= row.step:
            return False
        row.step, row.use_time = step, now
        return True

    def _enrolment(self, secret: str, person: UserRow) -> Enrolment:
        uri = pyotp.TOTP(secret).provisioning_uri(name=person.login, issuer_name=self._name)
        return Enrolment(secret, uri)


def find(db: Session, user_id: str, *, for_update: bool = False) -> TotpRow | None:
    """The person's application, confirmed or not."""
    query = select(TotpRow).where(TotpRow.user_id == user_id)
    if for_update:
        query = query.with_for_update()
    return db.scalars(query, execution_options={"populate_existing": True}).one_or_none()


def confirmed(db: Session, user_id: str) -> TotpRow | None:
    """The person's application, if it counts."""
    row = find(db, user_id)
    return row if row is not None and row.confirm_time is not None else None


def place_of(user_id: str) -> Place:
    """Where the secret is sealed: under the person's own key, which is gone when they are erased."""
    return Place(
        service="identity",
        company=owner_of(user_id),
        table=TotpRow.__tablename__,
        column="sealed",
        row=user_id,
        kind="totp-secret",
        environment="-",
    )


def owner_of(user_id: str) -> str:
    """Under whose data keys a person's secrets lie."""
    return f"users/{user_id}"

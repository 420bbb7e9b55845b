"""Refresh tokens: all that follow from one sign-in of one client are a family (RFC 9700 4.14).

A token is `<family>.<n>.<MAC of both>`: nothing that opens anything is in the database, and the successor of a
token is the same whoever of several parallel requests asks for it. Families live as long as their session.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ARRAY, Text, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from services.chassis.db.rows import PersonRow
from services.chassis.names import new_id
from services.chassis.vault.vault import Vault
from services.identity import bearers, sessions
from services.identity.derived import Derived
from services.identity.oauth.clients import Client, ClientRow
from services.identity.rows import Base
from services.identity.sessions import SessionRow

GRACE = timedelta(seconds=10)
"""How long the same client gets the same successor again, while that is unused."""
_SHAPE = re.compile(r"([a-z][a-z2-7]{19})\.(0|[1-9][0-9]{0,8})\.([A-Za-z0-9_-]{43})")


class FamilyRow(PersonRow, Base):
    """One family. `number` is that of its newest token."""

    __tablename__ = "families"
    __table_args__ = (bearers.reference(), sessions.reference(), PersonRow.__table_args__)

    family_id: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[bytes]
    session_id: Mapped[str]
    client_id: Mapped[str]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    company: Mapped[str | None]
    number: Mapped[int] = mapped_column(default=0)
    create_time: Mapped[datetime]
    rotate_time: Mapped[datetime]
    key_thumbprint: Mapped[str] = mapped_column(server_default="")
    """Of the key that whoever refreshes must hold: a public client's, if it had one at sign-in (RFC 9449 5)."""

    def accept(self, presented: int, now: datetime, *, rotating: bool) -> bool:
        """Goes on to the successor if this family rotates; False if the presented token was used up before."""
        if not rotating:
            return presented == self.number
        if presented == self.number:
            self.number += 1
            self.rotate_time = now
            return True
        return presented == self.number - 1 and now - self.rotate_time <= GRACE


@dataclass(frozen=True)
class RefreshToken:
    """What a genuine token says."""

    family_id: str
    number: int


class RefreshTokens:
    """Makes tokens and knows its own again."""

    def __init__(self, vault: Vault) -> None:
        self._values = Derived(vault, "refresh-token")

    def newest(self, db: Session, family: FamilyRow) -> str:
        """The family's present token."""
        return self._values.value(db, f"{family.family_id}.{family.number}")

    def read(self, db: Session, token: str) -> RefreshToken | None:
        """What the token says; None if it is not one of ours."""
        found = _SHAPE.fullmatch(token)
        if found is None or self._values.subject(db, token) is None:
            return None
        return RefreshToken(found[1], int(found[2]))


def found(
    db: Session,
    session: SessionRow,
    client: Client,
    scopes: Sequence[str],
    company: str | None,
    key_thumbprint: str,
    now: datetime,
) -> FamilyRow:
    """Begins a family."""
    family_id = new_id()
    row = FamilyRow(
        user_id=session.user_id,
        family_id=family_id,
        digest=bearers.keep(db, bearers.FAMILY, family_id, session.user_id, session.expire_time),
        session_id=session.session_id,
        client_id=client.client_id,
        scopes=list(scopes),
        company=company,
        number=0,
        create_time=now,
        rotate_time=now,
        key_thumbprint="" if client.confidential else key_thumbprint,
    )
    db.add(row)
    return row


def find(db: Session, family_id: str) -> FamilyRow | None:
    """The family, if it still is."""
    query = select(FamilyRow).where(FamilyRow.family_id == family_id)
    return db.scalars(query, execution_options={"populate_existing": True}).one_or_none()


def applications(db: Session, session_ids: Collection[str]) -> dict[str, list[str]]:
    """The applications that hold refresh tokens, by session: the platform's by name, a company's own by their ids."""
    name = func.coalesce(ClientRow.display_name, FamilyRow.client_id)
    query = select(FamilyRow.session_id, name).where(FamilyRow.session_id.in_(session_ids)).distinct()
    found: dict[str, list[str]] = {}
    for session_id, shown in db.execute(
        query.outerjoin(ClientRow, ClientRow.client_id == FamilyRow.client_id)
    ):
        found.setdefault(session_id, []).append(shown)
    return {session_id: sorted(names) for session_id, names in found.items()}

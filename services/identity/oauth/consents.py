"""What a person has allowed a client to ask for in their name."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ARRAY, ForeignKeyConstraint, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from services.chassis.db.rows import PersonRow
from services.identity.oauth.clients import Client
from services.identity.rows import Base


class ConsentRow(PersonRow, Base):
    """All scopes that the person ever granted to the client."""

    __tablename__ = "consents"
    __table_args__ = (
        ForeignKeyConstraint(["user_id"], ["users.user_id"], ondelete="CASCADE"),
        PersonRow.__table_args__,
    )

    client_id: Mapped[str] = mapped_column(primary_key=True)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    update_time: Mapped[datetime]


def granted(db: Session, client: Client, scopes: Collection[str]) -> bool:
    """Whether nothing must be asked any more: all was granted before, or the client is part of the platform."""
    if client.first_party:
        return True
    row = _find(db, client.client_id)
    return row is not None and set(scopes) <= set(row.scopes)


def remember(db: Session, client: Client, scopes: Collection[str], now: datetime) -> None:
    """Adds to what was granted. The caller holds the person's account, so that two do not add at once."""
    if granted(db, client, scopes):
        return
    row = _find(db, client.client_id)
    if row is None:
        row = ConsentRow(client_id=client.client_id, scopes=[])
        db.add(row)
    row.scopes = sorted({*row.scopes, *scopes})
    row.update_time = now


def _find(db: Session, client_id: str) -> ConsentRow | None:
    return db.scalars(select(ConsentRow).where(ConsentRow.client_id == client_id)).one_or_none()

"""The directory from e-mail addresses to accounts, for those who forgot their login (ID5). Several may share one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from sqlalchemy import ForeignKeyConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from services.chassis.db.rows import DirectoryRow
from services.identity import profile
from services.identity.profile import Findings
from services.identity.rows import Base

_MOST = 20
"""Accounts of one address that are found."""


class AddressRow(DirectoryRow, Base):
    """Whose address it is, under its digest: the address itself stands in the account alone."""

    __tablename__ = "addresses"
    __table_args__ = (
        ForeignKeyConstraint(["user_id"], ["users.user_id"], ondelete="CASCADE"),
        DirectoryRow.__table_args__,
    )

    user_id: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[bytes] = mapped_column(index=True)


def digest(address: str) -> bytes:
    """What is kept of an address, whatever its letters' case."""
    return hashlib.sha256(profile.email(address, Findings()).lower().encode()).digest()


def keep(db: Session, user_id: str, address: str) -> None:
    """Makes it the address by which the account is found."""
    row = db.get(AddressRow, user_id)
    if row is None:
        db.add(AddressRow(user_id=user_id, digest=digest(address)))
    else:
        row.digest = digest(address)


def owners(db: Session, address: str) -> Sequence[str]:
    """The ids of those whose address it is."""
    query = select(AddressRow.user_id).where(AddressRow.digest == digest(address))
    return db.scalars(query.order_by(AddressRow.user_id).limit(_MOST)).all()

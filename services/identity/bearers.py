"""Bearer values: whoever shows one is let in, so only their SHA-256 is kept (security: tokens hashed at rest).

A row here leads from a value to the person. What the value stands for is a row of that person, which references
this one: taking this row away takes that one too, whatever the scope of the transaction. All of a person's values
expire with the session they come from, and are swept some time after.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ForeignKeyConstraint, Index, bindparam, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from services.chassis.db.rows import DirectoryRow
from services.chassis.db.tenancy import ready
from services.identity.rows import Base
from services.identity.sweeping import Sweep

SESSION, CODE, FAMILY, CHALLENGE = "session", "code", "family", "challenge"
_KEPT_AFTER = timedelta(hours=1)
"""Longer than any call takes, so that nothing in use is swept."""


class BearerRow(DirectoryRow, Base):
    """Whose a value is."""

    __tablename__ = "bearers"
    __table_args__ = (Index("bearers_expire_time", "expire_time"), DirectoryRow.__table_args__)

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(primary_key=True)
    expire_time: Mapped[datetime]


_TABLE: Any = BearerRow.__table__
_bearers = _TABLE.c
_KEEP = ready(
    insert(_TABLE).values(
        digest=bindparam("kept"), user_id=bindparam("owner"), expire_time=bindparam("until")
    )
)
_OWNER = ready(select(_bearers.user_id).where(_bearers.digest == bindparam("kept")))
_FORGET = ready(delete(_TABLE).where(_bearers.digest == bindparam("kept")))
sweep = Sweep(_TABLE, kept=_KEPT_AFTER)
"""Takes some of the expired values away."""


def reference() -> ForeignKeyConstraint:
    """Ties a person's row to the value it is behind."""
    return ForeignKeyConstraint(
        ["digest", "user_id"], ["bearers.digest", "bearers.user_id"], ondelete="CASCADE"
    )


def new_value() -> str:
    """32 random bytes in base64url: 43 characters."""
    return secrets.token_urlsafe(32)


def digest(kind: str, value: str) -> bytes:
    """What is kept of a value; those of one kind are never taken for another's."""
    return hashlib.sha256(f"{kind}\0{value}".encode()).digest()


def keep(db: Session, kind: str, value: str, user_id: str, expire_time: datetime) -> bytes:
    """Remembers whose the value is, and returns its digest."""
    kept = digest(kind, value)
    db.execute(_KEEP, {"kept": kept, "owner": user_id, "until": expire_time})
    return kept


def owner(db: Session, kind: str, value: str) -> str | None:
    """The id of the person whose value this is."""
    return db.scalars(_OWNER, {"kept": digest(kind, value)}).one_or_none()


def forget(db: Session, kind: str, value: str) -> None:
    """Takes the value away, and what it stands for."""
    forget_digest(db, digest(kind, value))


def forget_digest(db: Session, kept: bytes) -> None:
    """The same, by what is kept of the value."""
    db.execute(_FORGET, {"kept": kept})

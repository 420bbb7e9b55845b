"""Passwords at rest: Argon2id (RFC 9106), renewed when the parameters change (ID1)."""

from __future__ import annotations

import secrets
from datetime import datetime

import argon2
from sqlalchemy import ForeignKeyConstraint, select
from sqlalchemy.orm import Mapped, Session

from services.chassis.db.rows import PersonRow
from services.chassis.fence import Fence
from services.identity.password_rule import normal
from services.identity.rows import Base

MEMORY_KIB = 19 * 1024
PASSES = 2
PLACES = 2
"""Hashings at once in one process; the other threads go on answering."""


class PasswordRow(PersonRow, Base):
    """The hash of a person's password; its parameters stand in it."""

    __tablename__ = "passwords"
    __table_args__ = (
        ForeignKeyConstraint(["user_id"], ["users.user_id"], ondelete="CASCADE"),
        PersonRow.__table_args__,
    )

    hash: Mapped[str]
    set_time: Mapped[datetime]


class Passwords:
    """Hashes and verifies. Whoever does either holds a place of `fence` meanwhile."""

    def __init__(self) -> None:
        self.fence = Fence(PLACES, waiting=1)
        self._hasher = argon2.PasswordHasher(
            time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=1, type=argon2.Type.ID
        )
        self._nobodys = self._hasher.hash(secrets.token_hex(16))

    def hash(self, password: str) -> str:
        """The hash to keep. Raises Exhausted when all places are taken."""
        with self.fence.enter():
            return self._hasher.hash(normal(password))

    def matches(self, row: PasswordRow | None, password: str) -> bool:
        """Whether this is the password; the same work where there is none, so that time tells nothing."""
        try:
            self._hasher.verify(row.hash if row else self._nobodys, normal(password))
        except argon2.exceptions.VerifyMismatchError:
            return False
        return row is not None

    def renew(self, row: PasswordRow, password: str) -> None:
        """Hashes anew the password just verified, if the hash has other parameters than today's."""
        if self._hasher.check_needs_rehash(row.hash):
            row.hash = self._hasher.hash(normal(password))


def find(db: Session, user_id: str) -> PasswordRow | None:
    """The row of a person's password."""
    return db.scalars(select(PasswordRow).where(PasswordRow.user_id == user_id)).one_or_none()

"""Passwords at rest: Argon2id (RFC 9106), renewed when the parameters change (ID1)."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

import argon2
from prometheus_client import Counter
from sqlalchemy import ForeignKeyConstraint, bindparam, false, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from services.chassis.authorize import unknown
from services.chassis.db.rows import PersonRow
from services.chassis.db.tenancy import ready
from services.chassis.fence import Fence
from services.identity.password_rule import SHORTEST, normal
from services.identity.rows import Base
from services.identity.users import NAME

MEMORY_KIB = 19 * 1024
PASSES = 2
REMEMBERED = 4
"""The present password and the ones before it that may not be chosen again."""
PLACES = 2
"""Hashings at once in one process; the other threads go on answering."""
_hashing_seconds = Counter("comptoir_password_hashing_cpu_seconds", "CPU time that hashing passwords took.")


class PasswordRow(PersonRow, Base):
    """The hash of a person's password; its parameters stand in it."""

    __tablename__ = "passwords"
    __table_args__ = (
        ForeignKeyConstraint(["user_id"], ["users.user_id"], ondelete="CASCADE"),
        PersonRow.__table_args__,
    )

    hash: Mapped[str]
    set_time: Mapped[datetime]
    short: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether it may be as short as it is only beside a second factor."""


class FormerPasswordRow(PersonRow, Base):
    """The hash of a password that the person had before. Numbers rise: two may have been set in one instant."""

    __tablename__ = "former_passwords"
    __table_args__ = (
        ForeignKeyConstraint(["user_id"], ["users.user_id"], ondelete="CASCADE"),
        PersonRow.__table_args__,
    )

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    hash: Mapped[str]


_KEPT = ready(select(PasswordRow).where(PasswordRow.user_id == bindparam("user")))
_HELD = ready(
    select(PasswordRow)
    .where(PasswordRow.user_id == bindparam("user"))
    .with_for_update()
    .execution_options(populate_existing=True)
)


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
            return self.hash_within(password)

    def hash_within(self, password: str) -> str:
        """The same, for whoever is inside the fence already."""
        with _counted():
            return self._hasher.hash(normal(password))

    def matches(self, row: PasswordRow | None, password: str) -> bool:
        """Whether this is the password; the same work where there is none, so that time tells nothing."""
        return self._is_of(row.hash if row else self._nobodys, password) and row is not None

    def among(self, hashes: Iterable[str], password: str) -> bool:
        """Whether it is one of those passwords."""
        return any(self._is_of(kept, password) for kept in hashes)

    def renew(self, row: PasswordRow, password: str) -> None:
        """Hashes anew the password just verified, if the hash has other parameters than today's."""
        if self._hasher.check_needs_rehash(row.hash):
            row.hash = self.hash_within(password)

    def _is_of(self, kept: str, password: str) -> bool:
        try:
            with _counted():
                return self._hasher.verify(kept, normal(password))
        except argon2.exceptions.VerifyMismatchError:
            return False


@contextmanager
def _counted() -> Iterator[None]:
    began = time.thread_time()
    try:
        yield
    finally:
        _hashing_seconds.inc(time.thread_time() - began)


def is_short(password: str) -> bool:
    """Whether only a second factor makes the password long enough."""
    return len(normal(password)) < SHORTEST


def find(db: Session, user_id: str) -> PasswordRow | None:
    """The row of a person's password."""
    return db.scalars(_KEPT, {"user": user_id}).one_or_none()


def hold(db: Session, user_id: str) -> PasswordRow:
    """The row as it is now, which nobody changes until the call ends. It is locked before sessions and the account."""
    held = db.scalars(_HELD, {"user": user_id}).one_or_none()
    if held is None:
        raise unknown(NAME.format({"user": user_id}))
    return held


def former(db: Session, user_id: str) -> Sequence[FormerPasswordRow]:
    """The passwords before the present one that are remembered, the latest first."""
    query = select(FormerPasswordRow).where(FormerPasswordRow.user_id == user_id)
    return db.scalars(query.order_by(FormerPasswordRow.number.desc())).all()


def replace(db: Session, row: PasswordRow, fresh: str, now: datetime) -> None:
    """Sets the hash of a new password, and remembers the one before. The caller holds the row."""
    before = former(db, row.user_id)
    number = before[0].number + 1 if before else 1
    db.add(FormerPasswordRow(user_id=row.user_id, number=number, hash=row.hash))
    for forgotten in before[REMEMBERED - 2 :]:
        db.delete(forgotten)
    row.hash, row.set_time = fresh, now

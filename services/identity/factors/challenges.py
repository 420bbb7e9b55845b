"""Challenges: what stands between a right password and a session, for somebody with a second factor.

A challenge is a bearer value of the browser that sent the password. It is gone with the session that it opens, or
after five minutes or five answers. An answer is counted before it is judged, in a transaction of its own, as tries of
passwords are: a refused call is rolled back, and its count would be with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ForeignKeyConstraint, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from services.chassis.db.database import Database
from services.chassis.db.rows import PersonRow
from services.chassis.db.scope import Scope
from services.chassis.errors import Unauthenticated
from services.identity import bearers
from services.identity.attempts import CODES, Attempts
from services.identity.rows import Base

LIFETIME = timedelta(minutes=5)
TRIES = 5


class ChallengeRow(PersonRow, Base):
    """One challenge. No history is kept of it."""

    __tablename__ = "challenges"
    __table_args__ = (
        bearers.reference(),
        ForeignKeyConstraint(["user_id"], ["users.user_id"], ondelete="CASCADE"),
        PersonRow.__table_args__,
    )

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    language_code: Mapped[str]
    """Chosen on the page, to become the person's preference with the session; empty if none was."""
    tries: Mapped[int] = mapped_column(default=0)
    create_time: Mapped[datetime]


@dataclass(frozen=True)
class Challenges:
    """Begins challenges and counts their answers."""

    database: Database
    attempts: Attempts

    def begin(self, db: Session, user_id: str, language_code: str, now: datetime) -> str:
        """The value for the browser."""
        value = bearers.new_value()
        digest = bearers.keep(db, bearers.CHALLENGE, value, user_id, now + LIFETIME)
        db.add(ChallengeRow(user_id=user_id, digest=digest, language_code=language_code, create_time=now))
        return value

    def count(self, value: str, now: datetime, *, guessable: bool) -> str:
        """Counts an answer, and returns whose it should be. Raises Unauthenticated (`CHALLENGE_ENDED`), or Exhausted
        where so many codes of the person were wrong that none is taken for a while."""
        with self.database.transaction(Scope(read_only=True)) as db:
            user_id = bearers.owner(db, bearers.CHALLENGE, value)
        if user_id is None:
            raise ended()
        if guessable:
            self.attempts.take(CODES, user_id, now)
        with self.database.transaction(Scope(user=user_id)) as db:
            one_more = update(ChallengeRow).values(tries=ChallengeRow.tries + 1)
            counted = one_more.where(
                ChallengeRow.digest == bearers.digest(bearers.CHALLENGE, value), ChallengeRow.tries < TRIES
            )
            if db.scalars(counted.returning(ChallengeRow.tries)).one_or_none() is None:
                raise ended()
        return user_id


def find(db: Session, value: str, now: datetime, *, for_update: bool = False) -> ChallengeRow:
    """The challenge that waits for an answer. The transaction is confined to its person."""
    query = select(ChallengeRow).where(ChallengeRow.digest == bearers.digest(bearers.CHALLENGE, value))
    if for_update:
        query = query.with_for_update()
    row = db.scalars(query, execution_options={"populate_existing": True}).one_or_none()
    if row is None or now >= row.create_time + LIFETIME:
        raise ended()
    return row


def end_all(db: Session, user_id: str) -> None:
    """Ends whatever a password has begun that is the person's no more. The caller holds the password, so that no
    further one begins."""
    for digest in db.scalars(select(ChallengeRow.digest).where(ChallengeRow.user_id == user_id)):
        bearers.forget_digest(db, digest)


def ended() -> Unauthenticated:
    """One answer for a challenge that never was, was answered, used up, or is too old."""
    return Unauthenticated("The challenge is over: sign in again.", reason="CHALLENGE_ENDED")

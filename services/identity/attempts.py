"""Counters of failed sign-ins: a throttle per source, and the lock-out of a login or of a recognised device (ID9).

A try is counted *before* it is judged, and in a transaction of its own that is committed at once. A refused call's
transaction is rolled back, so a count made in it would be lost; and twenty guesses sent at once would all be judged
against the count before the first. A success takes its count back, in the transaction of the call that succeeded.

Logins that nobody has are counted like others, so that being locked tells nothing about who exists.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Index, case, delete, func, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from services.chassis.db.database import Database
from services.chassis.db.rows import PlatformRow
from services.chassis.db.scope import Scope
from services.chassis.errors import Exhausted
from services.chassis.sources import network
from services.identity.rows import Base
from services.identity.sweeping import sweep
from services.identity.users import login_key

_SWEPT_AT_ONCE = 10
"""More than one try can add, so that expired rows die out."""
_IN_DATABASE = {"synchronize_session": False}


class AttemptRow(PlatformRow, Base):
    """One series of failures, forgotten after `expire_time`. A counter: no history is kept of it."""

    __tablename__ = "attempts"
    __table_args__ = (Index("attempts_expire_time", "expire_time"), PlatformRow.__table_args__)

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    count: Mapped[int]
    expire_time: Mapped[datetime]


@dataclass(frozen=True)
class Limit:
    """So many tries within a time, then a pause before the next."""

    kind: str
    tries: int
    within: timedelta
    pause: timedelta

    def digest(self, key: str) -> bytes:
        # What people type as their login may be their password.
        return hashlib.sha256(f"{self.kind}\0{key}".encode()).digest()


LOGIN = Limit("login", tries=10, within=timedelta(hours=24), pause=timedelta(minutes=30))
DEVICE = Limit("device", tries=10, within=timedelta(hours=24), pause=timedelta(minutes=30))
"""Of one browser that signed in to the account before: others' failures are not its own, nor are its own theirs."""
CURRENT_PASSWORD = Limit(
    "current-password", tries=10, within=timedelta(hours=24), pause=timedelta(minutes=30)
)
"""Of a person who is signed in: whoever fails at their sign-in from outside does not keep them from changing it."""

CODES = Limit("codes", tries=20, within=timedelta(hours=24), pause=timedelta(minutes=30))
"""Wrong codes of one person, over all challenges: only whoever knows the password gets so far."""


@dataclass(frozen=True)
class Series:
    """Failures that count together: of a login, or of a device in its stead."""

    limit: Limit
    key: str

    @classmethod
    def of(cls, login: str, device: str) -> Series:
        """The device's where it was recognised."""
        return cls(DEVICE, device) if device else cls(LOGIN, login_key(login))


@dataclass(frozen=True)
class Counted:
    """A try that was counted."""

    locked: bool
    """Whether there were too many before."""
    last: bool
    """Whether there will be too many after, if this one fails."""


class Attempts:
    """Counts tries to sign in, and others."""

    def __init__(self, database: Database, per_source: Limit) -> None:
        self._database = database
        self._per_source = per_source

    def count(self, series: Series, source: str, now: datetime) -> Counted:
        """Counts a try to sign in. Raises Exhausted when the source must wait."""
        with self._database.transaction(Scope()) as db:
            _sweep(db, now)
            wait = _count(db, self._per_source, network(source), now)[1]
            count, locked = (0, None) if wait else _count(db, series.limit, series.key, now)
        if wait is not None:
            raise _too_many(wait)
        return Counted(locked is not None, count == series.limit.tries)

    def refuse_paused(self, source: str, now: datetime) -> None:
        """Raises Exhausted when the source must wait, without counting anything."""
        limit = self._per_source
        with self._database.transaction(Scope(read_only=True)) as db:
            row = db.get(AttemptRow, limit.digest(network(source)))
        if row is not None and row.count >= limit.tries and row.expire_time > now:
            raise _too_many(row.expire_time - now)

    def take(self, limit: Limit, key: str, now: datetime) -> None:
        """Counts a try of another kind. Raises Exhausted when there were too many."""
        with self._database.transaction(Scope()) as db:
            _sweep(db, now)
            wait = _count(db, limit, key, now)[1]
        if wait is not None:
            raise _too_many(wait)

    def take_back(self, limit: Limit, key: str) -> None:
        """Lets a series of tries begin afresh, whatever becomes of the call: what was tried succeeded."""
        with self._database.transaction(Scope()) as db:
            forget(db, limit, key)

    def forgive(self, db: Session, series: Series, source: str) -> None:
        """Takes a counted try back: it succeeded. The series starts afresh; its source may have failed elsewhere."""
        digest = self._per_source.digest(network(source))
        fewer = update(AttemptRow).values(count=func.greatest(AttemptRow.count - 1, 0))
        db.execute(fewer.where(AttemptRow.digest == digest), execution_options=_IN_DATABASE)
        forget(db, series.limit, series.key)


def allowed(db: Session, limit: Limit, key: str, now: datetime) -> bool:
    """Counts one more in the caller's own transaction; whether it is not one too many."""
    return _count(db, limit, key, now)[1] is None


def forget(db: Session, limit: Limit, key: str) -> None:
    """Lets a series begin afresh."""
    series = delete(AttemptRow).where(AttemptRow.digest == limit.digest(key))
    db.execute(series, execution_options=_IN_DATABASE)


def _too_many(wait: timedelta) -> Exhausted:
    return Exhausted(
        "Too many failed tries: try again later.",
        reason="TOO_MANY_ATTEMPTS",
        retry_after_seconds=wait.total_seconds(),
    )


def _count(db: Session, limit: Limit, key: str, now: datetime) -> tuple[int, timedelta | None]:
    """Counts one more; how many there are now, and what is left of the pause if that is too many."""
    first = insert(AttemptRow).values(digest=limit.digest(key), count=1, expire_time=now + limit.within)
    over = AttemptRow.expire_time <= now
    reached = AttemptRow.count + 1 == limit.tries
    count, expire_time = db.execute(
        first.on_conflict_do_update(
            index_elements=[AttemptRow.digest],
            set_={
                "count": case((over, 1), else_=AttemptRow.count + 1),
                "expire_time": case(
                    (over, now + limit.within),
                    (reached, now + limit.pause),
                    else_=AttemptRow.expire_time,
                ),
            },
        ).returning(AttemptRow.count, AttemptRow.expire_time)
    ).one()
    return count, expire_time - now if count > limit.tries else None


def _sweep(db: Session, now: datetime) -> None:
    sweep(db, AttemptRow.digest, AttemptRow.expire_time < now, _SWEPT_AT_ONCE)

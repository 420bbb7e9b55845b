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
from typing import Any

from sqlalchemy import Index, bindparam, case, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from services.chassis.db.database import Database
from services.chassis.db.rows import PlatformRow
from services.chassis.db.scope import Scope
from services.chassis.db.tenancy import ready
from services.chassis.errors import Exhausted
from services.chassis.sources import network
from services.identity.rows import Base
from services.identity.sweeping import Sweep
from services.identity.users import login_key


class AttemptRow(PlatformRow, Base):
    """One series of failures, forgotten after `expire_time`. A counter: no history is kept of it."""

    __tablename__ = "attempts"
    __table_args__ = (Index("attempts_expire_time", "expire_time"), PlatformRow.__table_args__)

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    count: Mapped[int]
    expire_time: Mapped[datetime]


_TABLE: Any = AttemptRow.__table__
_attempts = _TABLE.c
_OVER = _attempts.expire_time <= bindparam("now")
_COUNT = ready(
    insert(_TABLE)
    .values(digest=bindparam("of"), count=1, expire_time=bindparam("fresh_until"))
    .on_conflict_do_update(
        index_elements=[_attempts.digest],
        set_={
            "count": case((_OVER, 1), else_=_attempts.count + 1),
            "expire_time": case(
                (_OVER, bindparam("fresh_until")),
                (_attempts.count + 1 == bindparam("tries"), bindparam("paused_until")),
                else_=_attempts.expire_time,
            ),
        },
    )
    .returning(_attempts.count, _attempts.expire_time)
)
_COUNTED = ready(select(_attempts.count, _attempts.expire_time).where(_attempts.digest == bindparam("of")))
_FEWER = ready(
    update(_TABLE)
    .values(count=func.greatest(_attempts.count - 1, 0))
    .where(_attempts.digest == bindparam("of"))
)
_FORGET = ready(delete(_TABLE).where(_attempts.digest == bindparam("of")))
_sweep = Sweep(_TABLE)


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

    def refuse_paused(self, db: Session, source: str, now: datetime) -> None:
        """Raises Exhausted when the source must wait, without counting anything."""
        limit = self._per_source
        counted = db.execute(_COUNTED, {"of": limit.digest(network(source))}).one_or_none()
        count, expire_time = counted or (0, now)
        if count >= limit.tries and expire_time > now:
            raise _too_many(expire_time - now)

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
        db.execute(_FEWER, {"of": self._per_source.digest(network(source))})
        forget(db, series.limit, series.key)


def allowed(db: Session, limit: Limit, key: str, now: datetime) -> bool:
    """Counts one more in the caller's own transaction; whether it is not one too many."""
    return _count(db, limit, key, now)[1] is None


def forget(db: Session, limit: Limit, key: str) -> None:
    """Lets a series begin afresh."""
    db.execute(_FORGET, {"of": limit.digest(key)})


def _too_many(wait: timedelta) -> Exhausted:
    return Exhausted(
        "Too many failed tries: try again later.",
        reason="TOO_MANY_ATTEMPTS",
        retry_after_seconds=wait.total_seconds(),
    )


def _count(db: Session, limit: Limit, key: str, now: datetime) -> tuple[int, timedelta | None]:
    """Counts one more; how many there are now, and what is left of the pause if that is too many."""
    counted = {
        "of": limit.digest(key),
        "now": now,
        "fresh_until": now + limit.within,
        "paused_until": now + limit.pause,
        "tries": limit.tries,
    }
    count, expire_time = db.execute(_COUNT, counted).one()
    return count, expire_time - now if count > limit.tries else None

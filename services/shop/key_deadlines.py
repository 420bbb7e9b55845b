"""What is due on keys without anybody calling: reminders, ends of overlaps and of keys, deletions (SH12).

The table says when something is due on a key of which company; what that is follows from the key's own rows, read under
its lock. So processes may look at the same time, and each thing is done once.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from services.chassis.db.rows import DirectoryRow
from services.shop import keys, letters
from services.shop.key_uses import KeyUseRow
from services.shop.keys import KeyRow, KeyValueRow
from services.shop.letters import Letters
from services.shop.rows import Base

REMINDERS = (timedelta(days=30), timedelta(days=7), timedelta(days=1))
KEPT = timedelta(days=90)
"""How long a retired value is kept, so that a refusal can say that it is one."""
MOST_KEPT = 20
"""Retired values of one key that are kept, the latest: somebody who rotates without end fills no table with them."""


class KeyDeadlineRow(DirectoryRow, Base):
    """When something is next due on a key."""

    __tablename__ = "key_deadlines"

    company: Mapped[str] = mapped_column(primary_key=True)
    shop_id: Mapped[str] = mapped_column(primary_key=True)
    key_id: Mapped[str] = mapped_column(primary_key=True)
    due_time: Mapped[datetime] = mapped_column(index=True)


def due(db: Session, now: datetime, limit: int) -> list[tuple[str, str, str]]:
    """Company, shop and key of what is due, the longest due first."""
    query = select(KeyDeadlineRow.company, KeyDeadlineRow.shop_id, KeyDeadlineRow.key_id)
    found = db.execute(
        query.where(KeyDeadlineRow.due_time <= now).order_by(KeyDeadlineRow.due_time).limit(limit)
    )
    return [(row.company, row.shop_id, row.key_id) for row in found]


def plan(db: Session, row: KeyRow, now: datetime) -> None:
    """Notes what is next due on the key. To be called after each change of its times."""
    following = min(_events(db, row, now), default=None)
    place = {"company": row.company, "shop_id": row.shop_id, "key_id": row.key_id}
    if following is None:
        db.execute(delete(KeyDeadlineRow).filter_by(**place))
        return
    noted = insert(KeyDeadlineRow).values(**place, due_time=following)
    keyed = ("company", "shop_id", "key_id")
    db.execute(noted.on_conflict_do_update(index_elements=keyed, set_={"due_time": noted.excluded.due_time}))


def settle(db: Session, mail: Letters, shop_id: str, key_id: str, now: datetime) -> bool:
    """Does all that is due on the key, in its company; False if there is nothing, or while somebody else holds it."""
    query = select(KeyRow).where(KeyRow.shop_id == shop_id, KeyRow.key_id == key_id)
    row = db.scalars(query.with_for_update(skip_locked=True)).one_or_none()
    if row is None:
        return False
    noted = db.get(KeyDeadlineRow, (row.company, shop_id, key_id), populate_existing=True)
    if noted is None or noted.due_time > now:
        return False
    if row.expire_time is not None and row.ended_time is None:
        if row.expire_time <= now:
            row.ended_time = row.expire_time
            mail.of_key(db, letters.KEY_EXPIRED, row, now)
        elif any(noted.due_time <= row.expire_time - before <= now for before in REMINDERS):
            row.reminder_time = now
            mail.of_key(db, letters.KEY_EXPIRING, row, now)
    if row.former_until is not None and row.former_until <= now:
        row.former_until = None
    forget(db, row, now)
    plan(db, row, now)
    return True


def _events(db: Session, row: KeyRow, now: datetime) -> Iterator[datetime]:
    """When something is to be done; what was missed, at once."""
    if row.expire_time is not None and row.ended_time is None:
        yield row.expire_time
        yield from (mark for before in REMINDERS if (mark := row.expire_time - before) > now)
    if row.former_until is not None:
        yield row.former_until
    query = select(KeyValueRow.retire_time).where(
        KeyValueRow.shop_id == row.shop_id,
        KeyValueRow.key_id == row.key_id,
        KeyValueRow.retire_time.is_not(None),
    )
    yield from (time + KEPT for time in db.scalars(query) if time is not None)


def forget(db: Session, row: KeyRow, now: datetime) -> None:
    """Deletes the retired values of the key that are too old or too many, with their uses; comes before `plan`."""
    ended = [
        (value.retire_time, value)
        for value in keys.values_of(db, row)
        if value.retire_time is not None and value.retire_time <= now
    ]
    ended.sort(key=lambda each: (each[0], each[1].generation), reverse=True)
    for number, (time, value) in enumerate(ended):
        if number < MOST_KEPT and now < time + KEPT:
            continue
        db.execute(
            delete(KeyUseRow).where(
                KeyUseRow.shop_id == row.shop_id,
                KeyUseRow.key_id == row.key_id,
                KeyUseRow.generation == value.counted,
            )
        )
        db.delete(value)
        row.former_count -= 1
    db.flush()

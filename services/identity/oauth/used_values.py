"""Values that are good once: ids of assertions and of proofs. The first to be seen wins, however many come at once."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from services.chassis.db.rows import PlatformRow
from services.identity import bearers
from services.identity.rows import Base
from services.identity.sweeping import Sweep

ASSERTION, PROOF = "assertion", "proof"


class UsedValueRow(PlatformRow, Base):
    """A value by its digest, until it would be refused for its age anyway."""

    __tablename__ = "used_values"
    __table_args__ = (Index("used_values_expire_time", "expire_time"), PlatformRow.__table_args__)

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    expire_time: Mapped[datetime]


_sweep = Sweep(UsedValueRow.__table__)


def use(db: Session, kind: str, value: str, expire_time: datetime, now: datetime) -> bool:
    """Whether this is the first time. It counts once the transaction is committed, so keep it in one of its own."""
    _sweep(db, now)
    first = insert(UsedValueRow).values(digest=bearers.digest(kind, value), expire_time=expire_time)
    return db.execute(first.on_conflict_do_nothing().returning(UsedValueRow.digest)).first() is not None

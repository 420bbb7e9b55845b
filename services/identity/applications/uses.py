"""When an application last proved who it is, and by what: to within a minute, so that most calls write nothing."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from services.chassis.db.database import Database
from services.chassis.db.rows import TenantRow
from services.chassis.db.scope import Scope
from services.identity.applications.rows import ApplicationRow
from services.identity.rows import Base

BY_KEY = "key"
"""What stands for all keys of an application that signs."""
_NOTED_EVERY = timedelta(minutes=1)
_MOST = 4096


class ApplicationUseRow(TenantRow, Base):
    """One credential of one application: a secret by its fingerprint, or its keys. A counter, no change."""

    __tablename__ = "application_uses"

    application_id: Mapped[str] = mapped_column(primary_key=True)
    credential: Mapped[str] = mapped_column(primary_key=True)
    last_use_time: Mapped[datetime | None]


def expect(db: Session, row: ApplicationRow, credential: str) -> None:
    """Makes room for the uses of a credential."""
    db.add(ApplicationUseRow(company=row.company, application_id=row.application_id, credential=credential))


def forget(db: Session, row: ApplicationRow) -> None:
    """Takes away what is known of the uses of its credentials."""
    mine = ApplicationUseRow.application_id == row.application_id
    db.execute(delete(ApplicationUseRow).where(mine), execution_options={"synchronize_session": False})


def of(db: Session, application_id: str) -> dict[str, datetime]:
    """By credential, when it was last used."""
    rows = db.scalars(select(ApplicationUseRow).where(ApplicationUseRow.application_id == application_id))
    return {row.credential: row.last_use_time for row in rows if row.last_use_time is not None}


class Uses:
    """Writes uses down, beside what this process has noted lately and need not note again."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._noted: dict[tuple[str, str], datetime] = {}
        self._lock = threading.Lock()

    def note(self, company: str, application_id: str, credential: str, now: datetime) -> None:
        """Writes the use down, unless it was just done."""
        key = (application_id, credential)
        with self._lock:
            if now - self._noted.get(key, datetime.min.replace(tzinfo=now.tzinfo)) < _NOTED_EVERY:
                return
            if len(self._noted) >= _MOST:
                self._noted.clear()
            self._noted[key] = now
        row = ApplicationUseRow
        older = or_(row.last_use_time.is_(None), row.last_use_time < now - _NOTED_EVERY)
        noted = update(row).where(row.application_id == application_id, row.credential == credential, older)
        with self._database.transaction(Scope(company)) as db:
            db.execute(noted.values(last_use_time=now), execution_options={"synchronize_session": False})

"""Who still uses which value of a key (SH12): counted in memory, written together every few seconds.

So that no verification waits for a write. A process that is killed loses what it counted in those seconds.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import BigInteger, Table, func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from services.chassis import log
from services.chassis.db.database import Database
from services.chassis.db.rows import TenantRow
from services.chassis.db.scope import Scope
from services.chassis.errors import Unavailable
from services.chassis.rounds import Rounds
from services.shop.rows import Base

SECONDS = 5.0
"""How often what was counted is written."""
_MOST = 100_000
"""Counters kept while the database is away; the uses of further ones are not counted."""


class KeyUseRow(TenantRow, Base):
    """How often one integration used one value of a key, and when last. A counter: no change of the record."""

    __tablename__ = "shop_key_uses"

    shop_id: Mapped[str] = mapped_column(primary_key=True)
    key_id: Mapped[str] = mapped_column(primary_key=True)
    generation: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """The one in which the value was first: a value that comes back by undoing is counted on."""
    integration: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)
    last_use_time: Mapped[datetime]


class Use(NamedTuple):
    """One counter. `integration` is the service that asks and what it does, such as `payment-engine/form`."""

    company: str
    shop_id: str
    key_id: str
    generation: int
    integration: str


class Uses:
    """The counters of this process. Start its `rounds` in one that serves; `write` is one of them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._counted: dict[Use, tuple[int, datetime]] = {}
        self._lock = threading.Lock()
        self.rounds = Rounds(self.write, name="key uses", seconds=SECONDS, failed="key uses not written")

    def close(self) -> None:
        """Writes what is left."""
        self.rounds.close()
        self.write()

    def count(self, use: Use, now: datetime, times: int = 1) -> None:
        """Counts. Never waits for the database."""
        with self._lock:
            count, last = self._counted.get(use, (0, now))
            if count or len(self._counted) < _MOST:
                self._counted[use] = (count + times, max(last, now))

    def write(self) -> None:
        """Writes what was counted since the last time, a transaction a company. What could not be written is kept."""
        with self._lock:
            counted, self._counted = self._counted, {}
        of_company = defaultdict(list)
        # In one order everywhere, so that two processes do not wait for each other.
        for use in sorted(counted):
            of_company[use.company].append((use, *counted[use]))
        away = False
        for company, rows in of_company.items():
            try:
                if not away:
                    self._add(company, rows)
                    continue
            except Exception as error:
                # Each company's own attempt would wait for a database that is away.
                away = isinstance(error, Unavailable)
                log.event("key uses not written", error=type(error).__qualname__, where=log.frames(error))
            for use, times, last in rows:
                self.count(use, last, times)

    def _add(self, company: str, rows: Iterable[tuple[Use, int, datetime]]) -> None:
        table = KeyUseRow.__table__
        assert isinstance(table, Table)
        added = insert(table).values(
            [
                {
                    "company": use.company,
                    "shop_id": use.shop_id,
                    "key_id": use.key_id,
                    "generation": use.generation,
                    "integration": use.integration,
                    "count": times,
                    "last_use_time": last,
                }
                for use, times, last in rows
            ]
        )
        both = added.on_conflict_do_update(
            index_elements=table.primary_key,
            set_={
                "count": table.c.count + added.excluded.count,
                "last_use_time": func.greatest(table.c.last_use_time, added.excluded.last_use_time),
            },
        )
        with self._database.transaction(Scope(company)) as db:
            db.connection().execute(both)

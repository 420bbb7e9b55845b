"""Writes many changes a transaction, as a process of its own with the settings of a shop service.

An order a line comes in; its answer goes out once it is committed. It writes as the shop service does, by the same unit
of work, but without RPC. An order that may have been carried out before is looked for in the log first.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TextIO

from sqlalchemy import func, select

from services.chassis.cache import ReplyCache
from services.chassis.changes.bell import Bell
from services.chassis.changes.log import ChangeLog, Stamp, scope_of
from services.chassis.clock import system_clock
from services.chassis.config import load
from services.chassis.db.database import Database
from services.chassis.db.scope import Scope
from services.chassis.db.tenancy import ScopedSession
from services.chassis.errors import TimedOut, Unavailable
from services.chassis.vault.configured import configured_vault
from services.shop import shops
from services.shop.api.shops import forget
from services.shop.keys import KeyRing
from services.shop.service import SHOP
from services.shop.shops import ShopRow

SERVICE = "shop"
_SHOP_TYPE = ShopRow.__recorded__.type
_OPENS, _RENAMES = (f"/comptoir.shop.v1.ShopService/{method}" for method in ("CreateShop", "UpdateShop"))
_PAUSE_SECONDS = 0.1


@dataclass(frozen=True)
class Order:
    """One transaction: so many new shops of a company, or the request's id as the new label of these."""

    request: str
    company: str
    opens: int = 0
    renames: Sequence[str] = ()
    """Public ids."""
    again: bool = False
    """Whether it was given before, so that the log may have it."""

    def line(self) -> str:
        return f"{json.dumps(asdict(self))}\n"


@dataclass(frozen=True)
class Done:
    """An order that was carried out."""

    request: str
    shops: Sequence[str]
    """Names of what was opened or renamed."""
    tries: int

    def line(self) -> str:
        return f"{json.dumps(asdict(self))}\n"


class Bulk:
    """Carries orders out over the database of the shop service."""

    def __init__(self) -> None:
        settings = load(SHOP.settings)
        vault = configured_vault(SERVICE, SHOP.tables.data_keys, settings)
        self._database = Database(settings.database_url, connections=1, conflicts=SHOP.conflicts)
        self._ring, self._cache = KeyRing(vault), ReplyCache(settings.database_url, SERVICE)
        self._bell = Bell(settings.database_url)
        self._changes = ChangeLog(SERVICE, SHOP.tables.log, vault, self._bell.ring)
        self._pause = threading.Event()

    def carry_out(self, order: Order) -> Done:
        """Until it is committed, however often the database is away."""
        tries, again = 1, order.again
        while True:
            try:
                return Done(order.request, self._transaction(order, again), tries)
            except (Unavailable, TimedOut):
                # A connection that was lost may have been lost after the commit.
                tries, again = tries + 1, True
                self._pause.wait(_PAUSE_SECONDS)

    def close(self) -> None:
        self._cache.close()
        self._bell.close()
        self._database.close()

    def _transaction(self, order: Order, again: bool) -> list[str]:
        with self._database.transaction(Scope(order.company)) as db:
            # The server may still be committing for a process that was killed: what is looked for waits for that.
            lock = func.pg_advisory_xact_lock(func.hashtextextended(order.request, 0))
            db.connection().execute(select(lock))
            names = self._found(db, order.request) if again else []
            if names:
                return names
            now = system_clock()
            rows = self._opened(db, order, now) if order.opens else self._renamed(db, order, now)
            db.flush()
            method = _OPENS if order.opens else _RENAMES
            self._changes.append(db, Stamp(now, f"services/{SERVICE}", order.request, method))
        return [row.name for row in rows]

    def _found(self, db: ScopedSession, request: str) -> list[str]:
        c = self._changes.changes.c
        query = select(c.resource).where(
            c.scope == scope_of(db), c.request_id == request, c.type == _SHOP_TYPE
        )
        return list(db.connection().scalars(query))

    def _opened(self, db: ScopedSession, order: Order, now: datetime) -> list[ShopRow]:
        rows = []
        for _ in range(order.opens):
            shop_id = shops.register(db, order.company, "")
            row = ShopRow(shop_id=shop_id, display_name=order.request, create_time=now, update_time=now)
            db.add(row)
            db.flush()
            self._ring.generate_test_keys(db, order.company, shop_id, now)
            rows.append(row)
        return rows

    def _renamed(self, db: ScopedSession, order: Order, now: datetime) -> Sequence[ShopRow]:
        query = select(ShopRow).where(ShopRow.shop_id.in_(order.renames)).order_by(ShopRow.shop_id)
        rows = db.scalars(query.with_for_update()).all()
        for row in rows:
            row.display_name = order.request
            row.touch(now)
        forget(self._cache, db, *rows)
        return rows


def main(orders: TextIO, answers: TextIO) -> None:
    """Until nobody gives orders any more."""
    bulk = Bulk()
    for line in orders:
        answers.write(bulk.carry_out(Order(**json.loads(line))).line())
        answers.flush()
    bulk.close()


if __name__ == "__main__":
    # Answers have the output for themselves: what is logged goes where errors go.
    own = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    main(sys.stdin, own)

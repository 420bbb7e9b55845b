"""Keys opened, in memory: what signs and verifies without a database (decision 0003).

Entries are of one shop, or of one key of it. Whoever writes either through the mapped classes makes every process
forget them when that commits; all are forgotten every five minutes, and none is used while forgetting is not heard of.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from prometheus_client import Counter

from services.chassis.authorize import unknown
from services.chassis.cache import ReplyCache
from services.chassis.db.database import Database, enter
from services.chassis.db.scope import Scope
from services.chassis.errors import NotFound
from services.chassis.names import ANY
from services.shop import shops
from services.shop.key_values import KeyValue
from services.shop.keys import KeyKind, KeyRing, KeyRow
from services.shop.shops import ShopRow
from services.shop.verdicts import ShopKeys

openings = Counter("comptoir_key_openings", "Keys that were opened because none was in memory.")
opening_seconds = Counter("comptoir_key_opening_cpu_seconds", "CPU time that opening keys took.")


@dataclass(frozen=True)
class _Shop:
    company: str
    algorithm: str
    closed: bool


class OpenedKeys:
    """The keys of all shops, as far as they were asked for lately."""

    def __init__(self, database: Database, ring: KeyRing, cache: ReplyCache) -> None:
        self._database = database
        self._ring = ring
        self._cache = cache
        cache.forget_written(database, _entry)

    def of(self, company: str, shop_id: str, *, fresh: bool = False) -> ShopKeys:
        """The shop's keys. Its company may be `-`; raises NotFound for a shop that is unknown, or not this company's.

        `fresh` passes by what is in memory.
        """
        shop = self._cache.read(_shop_entry(shop_id), lambda: self._load_shop(company, shop_id), fresh=fresh)
        if company not in (ANY, shop.company):
            raise _unknown(company, shop_id)

        def values(kind: KeyKind) -> tuple[KeyValue, ...]:
            return self._cache.read(
                _key_entry(shop_id, kind.key_id),
                lambda: self._load_values(shop.company, shop_id, kind),
                fresh=fresh,
            )

        return ShopKeys(shop.company, shop_id, shop.algorithm, shop.closed, values)

    def _load_shop(self, named: str, shop_id: str) -> _Shop:
        with self._database.transaction(Scope(read_only=True)) as db:
            company = shops.owner(db, shop_id)
            if company is None:
                raise _unknown(named, shop_id)
            enter(db, Scope(company, read_only=True))
            row = shops.find(db, company, shop_id)
            return _Shop(company, row.signature_algorithm, row.state == "SHOP_STATE_CLOSED")

    def _load_values(self, company: str, shop_id: str, kind: KeyKind) -> tuple[KeyValue, ...]:
        began = time.thread_time()
        with self._database.transaction(Scope(company, read_only=True)) as db:
            values = self._ring.values(db, company, shop_id, kind)
        openings.inc(len(values))
        opening_seconds.inc(time.thread_time() - began)
        return values


def _unknown(company: str, shop_id: str) -> NotFound:
    return unknown(shops.NAME.format({"company": company, "shop": shop_id}))


def _entry(row: object) -> str | None:
    if isinstance(row, ShopRow):
        return _shop_entry(row.shop_id)
    if isinstance(row, KeyRow):
        return _key_entry(row.shop_id, row.key_id)
    return None


def _shop_entry(shop_id: str) -> str:
    return f"signing/{shop_id}"


def _key_entry(shop_id: str, key_id: str) -> str:
    return f"signing/{shop_id}/{key_id}"

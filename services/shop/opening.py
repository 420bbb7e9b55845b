"""Opening a shop, with its test keys (SH3)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from services.shop import shops
from services.shop.keys import KeyRing
from services.shop.shops import ShopRow


def open_shop(db: Session, ring: KeyRing, company: str, row: ShopRow, now: datetime) -> None:
    """Keeps the new shop, under a public id of its own unless the row names one."""
    row.shop_id = shops.register(db, company, row.shop_id)
    row.create_time = row.update_time = now
    db.add(row)
    db.flush()
    ring.generate_test_keys(db, company, row.shop_id, now)

"""Keys that end at a time: scheduled by whoever manages them, told 30 days, 7 days and 1 day before (SH12)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from services.chassis.errors import Invalid, Precondition
from services.shop import key_deadlines, keys
from services.shop.keys import KeyKind, KeyRow
from services.shop.shops import ShopRow, require_open


def schedule(
    db: Session, shop: ShopRow, kind: KeyKind, expire_time: datetime | None, now: datetime
) -> KeyRow:
    """Sets when the key stops being valid; None cancels that. What has ended already stays so."""
    require_open(shop)
    row = keys.find(db, shop.shop_id, kind, for_update=True)
    if row is None:
        raise Precondition("The key is still to be generated.", reason="KEY_NOT_GENERATED")
    if row.is_expired(now):
        raise Precondition("The key has expired: generate a new one.", reason="KEY_EXPIRED")
    if expire_time is not None and expire_time <= now:
        raise Invalid.field("expire_time", "in_the_future", "must be later than now")
    row.expire_time = expire_time
    db.flush()
    key_deadlines.plan(db, row, now)
    return row

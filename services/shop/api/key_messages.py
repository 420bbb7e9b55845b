"""Keys as messages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy.orm import Session

from comptoir.shop.v1 import key_pb2
from services.shop import keys, revealing, usage
from services.shop.keys import KINDS, KeyKind, KeyRow, KeyValueRow
from services.shop.shops import ShopRow


def told_all(db: Session, shop: ShopRow, now: datetime) -> list[key_pb2.Key]:
    """The eight places for keys of a shop."""
    rows = {row.key_id: row for row in keys.all_of(db, shop.shop_id)}
    around = _Around.of(db, shop, now)
    return [_key(around, kind, rows.get(kind.key_id)) for kind in KINDS.values()]


def told(db: Session, shop: ShopRow, kind: KeyKind, now: datetime) -> key_pb2.Key:
    """One of them."""
    return _key(_Around.of(db, shop, now), kind, keys.find(db, shop.shop_id, kind))


@dataclass(frozen=True)
class _Around:
    """What is told of keys beside their own rows."""

    shop: ShopRow
    now: datetime
    formers: dict[str, KeyValueRow]
    uses: dict[tuple[str, int], datetime]
    db: Session

    @classmethod
    def of(cls, db: Session, shop: ShopRow, now: datetime) -> _Around:
        formers, uses = keys.formers(db, shop.shop_id, now), usage.last_uses(db, shop.shop_id)
        return cls(shop, now, formers, uses, db)


def _key(around: _Around, kind: KeyKind, row: KeyRow | None) -> key_pb2.Key:
    shop = around.shop
    key = key_pb2.Key(
        name=keys.NAME.format({"company": shop.company, "shop": shop.shop_id, "key": kind.key_id}),
        use=key_pb2.KeyUse.Value(kind.use),
        environment=key_pb2.Environment.Value(kind.environment),
        state=key_pb2.KEY_STATE_TO_BE_GENERATED,
    )
    if row is None:
        return key
    expired = row.is_expired(around.now)
    key.state = key_pb2.KEY_STATE_EXPIRED if expired else key_pb2.KEY_STATE_ACTIVE
    key.revealable = revealing.is_revealable(around.db, shop, kind, row)
    for field in (
        "masked_value",
        "public_value",
        "check_value",
        "reveal_count",
        "former_count",
    ):
        setattr(key, field, getattr(row, field))
    for field in ("generate_time", "expire_time", "reveal_time", "reminder_time", "ended_time"):
        _tell(getattr(key, field), getattr(row, field))
    _tell(key.last_use_time, around.uses.get((kind.key_id, row.generation)))
    former = around.formers.get(kind.key_id)
    if former is not None and not expired:
        key.former.check_value, key.former.public_value = former.check_value, former.public_value
        _tell(key.former.expire_time, keys.end(former.retire_time, row))
        _tell(key.former.last_use_time, around.uses.get((kind.key_id, former.generation)))
    return key


def _tell(field: Timestamp, time: datetime | None) -> None:
    if time is not None:
        field.FromDatetime(time)

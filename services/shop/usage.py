"""Who still uses which value of a key, as it was counted (SH12)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from services.shop import keys
from services.shop.key_uses import KeyUseRow
from services.shop.keys import KeyRow, KeyValueRow

CURRENT, FORMER, RETIRED = "KEY_VALUE_STATE_CURRENT", "KEY_VALUE_STATE_FORMER", "KEY_VALUE_STATE_RETIRED"
_MOST = 200
_OF_VALUE = and_(
    KeyUseRow.company == KeyValueRow.company,
    KeyUseRow.shop_id == KeyValueRow.shop_id,
    KeyUseRow.key_id == KeyValueRow.key_id,
    KeyUseRow.generation == func.coalesce(KeyValueRow.counted_as, KeyValueRow.generation),
)


@dataclass(frozen=True)
class Usage:
    """The uses of one value by one integration."""

    state: str
    check_value: str
    integration: str
    count: int
    last_use_time: datetime


def last_uses(db: Session, shop_id: str) -> dict[tuple[str, int], datetime]:
    """When the values of a shop's keys were last used, by key and generation."""
    query = select(KeyValueRow.key_id, KeyValueRow.generation, func.max(KeyUseRow.last_use_time))
    found = db.execute(
        query.join(KeyUseRow, _OF_VALUE)
        .where(KeyValueRow.shop_id == shop_id)
        .group_by(KeyValueRow.key_id, KeyValueRow.generation)
    )
    return {(key_id, generation): time for key_id, generation, time in found}


def was_presented(db: Session, row: KeyRow) -> bool:
    """Whether somebody opened the REST API with the present value of the key."""
    query = (
        select(KeyUseRow.integration)
        .join(KeyValueRow, _OF_VALUE)
        .where(
            KeyValueRow.shop_id == row.shop_id,
            KeyValueRow.key_id == row.key_id,
            KeyValueRow.generation == row.generation,
        )
    )
    return any(integration.endswith("/credentials") for integration in db.scalars(query))


def of_key(db: Session, row: KeyRow, now: datetime) -> Iterator[Usage]:
    """Who used the key, lately first; of values that are no longer kept, nothing is told."""
    values = {value.counted: value for value in keys.values_of(db, row)}
    query = select(KeyUseRow).where(
        KeyUseRow.shop_id == row.shop_id,
        KeyUseRow.key_id == row.key_id,
        KeyUseRow.generation.in_(values),
    )
    for use in db.scalars(query.order_by(KeyUseRow.last_use_time.desc()).limit(_MOST)):
        value = values[use.generation]
        yield Usage(_state(row, value, now), value.check_value, use.integration, use.count, use.last_use_time)


def _state(row: KeyRow, value: KeyValueRow, now: datetime) -> str:
    if row.is_expired(now):
        return RETIRED
    if value.retire_time is None:
        return CURRENT
    return FORMER if now < value.retire_time else RETIRED

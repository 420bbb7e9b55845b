"""The sealed columns of the shop service, for rotations of its data keys."""

from __future__ import annotations

from typing import Any

from services.chassis.vault.place import Place
from services.chassis.vault.sealed_fields import SealedField
from services.shop.keys import KINDS, KeyValueRow, place_of
from services.shop.rows import Base

_VALUES = Base.metadata.tables[KeyValueRow.__tablename__]


def _place(row: Any) -> Place:
    return place_of(row.company, row.shop_id, KINDS[row.key_id], row.generation)


SEALED = (SealedField(_VALUES, "sealed", _VALUES.c.company, _place),)

"""The sealed columns of identity, for rotations of its data keys."""

from __future__ import annotations

from typing import Any

from sqlalchemy import literal

from services.chassis.vault.place import PLATFORM, Place
from services.chassis.vault.sealed_fields import SealedField
from services.identity.oauth.signing_keys import SigningKeyRow, place_of
from services.identity.rows import Base

_SIGNING_KEYS = Base.metadata.tables[SigningKeyRow.__tablename__]


def _place(row: Any) -> Place:
    return place_of(row.kid)


SEALED = (SealedField(_SIGNING_KEYS, "sealed", literal(PLATFORM), _place),)

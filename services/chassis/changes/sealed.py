"""The sealed columns of the log, for rotations of data keys. The chain covers what is in them, not their bytes."""

from __future__ import annotations

from functools import partial
from typing import Any

from sqlalchemy import case, func

from services.chassis.changes.log import place
from services.chassis.changes.tables import LogTables
from services.chassis.vault.place import PLATFORM, Place
from services.chassis.vault.sealed_fields import SealedField

_COMPANIES = "companies/"


def log_fields(service: str, tables: LogTables) -> tuple[SealedField, ...]:
    """The values of the changes, and the addresses that they came from."""
    scope = tables.values.c.scope
    owner = case(
        (scope == PLATFORM_SCOPE, PLATFORM),
        (scope.startswith(_COMPANIES), func.substr(scope, len(_COMPANIES) + 1)),
        else_=scope,
    )
    return tuple(
        SealedField(tables.values, column, owner, partial(_place, service, column))
        for column in ("sealed", "source")
    )


PLATFORM_SCOPE = "platform"


def _place(service: str, column: str, row: Any) -> Place:
    scope: str = row.scope
    owner = PLATFORM if scope == PLATFORM_SCOPE else scope.removeprefix(_COMPANIES)
    return place(service, owner, scope, row.value_id, column)

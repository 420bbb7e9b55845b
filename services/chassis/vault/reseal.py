"""The sweep that seals fields again under their owners' newest data keys; `rewrap.py` does not touch fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Subquery, Table, and_, func, select, tuple_, update

from services.chassis.vault.errors import VaultError
from services.chassis.vault.sealed_fields import SealedField
from services.chassis.vault.vault import Vault

RowKey = tuple[Any, ...]
"""The primary key of a row."""


@dataclass(frozen=True, slots=True)
class Resealed:
    """One batch. `stranded` values did not open and stay as they are; `cursor` is None at the end."""

    resealed: int
    stranded: tuple[RowKey, ...]
    cursor: RowKey | None


def reseal(
    connection: Connection,
    vault: Vault,
    data_keys: Table,
    field: SealedField,
    *,
    after: RowKey | None,
    limit: int,
) -> Resealed:
    """Seals up to `limit` values again that stand under a former data key.

    The version stands in front of each value, so what is left to do shows in the rows: a sweep cut short begins
    anew and passes over what is done. A value that somebody wrote meanwhile is left to them.
    """
    newest, table = _newest(data_keys), field.table
    key = tuple(table.primary_key.columns)
    query = select(*table.columns).select_from(table).join(newest, newest.c.company == field.owner)
    query = query.where(_is_former(field, newest)).order_by(*key).limit(limit)
    if after is not None:
        query = query.where(tuple_(*key) > after)
    rows = connection.execute(query).all()
    done, stranded = 0, []
    for row in rows:
        found = tuple(getattr(row, column.name) for column in key)
        before = bytes(getattr(row, field.column))
        try:
            following = vault.reseal(connection, field.place(row), before)
        except VaultError:
            stranded.append(found)
            continue
        same = and_(
            *(column == part for column, part in zip(key, found, strict=True)),
            table.c[field.column] == before,
        )
        done += connection.execute(update(table).where(same).values({field.column: following})).rowcount
    return Resealed(done, tuple(stranded), found if len(rows) == limit else None)


def former(connection: Connection, data_keys: Table, field: SealedField) -> int:
    """How many values of the field stand under a former data key."""
    newest = _newest(data_keys)
    query: Select[int] = (
        select(func.count()).select_from(field.table).join(newest, newest.c.company == field.owner)
    )
    return connection.execute(query.where(_is_former(field, newest))).scalar_one()


def _newest(data_keys: Table) -> Subquery:
    query = select(data_keys.c.company, func.max(data_keys.c.version).label("version"))
    return query.where(data_keys.c.version >= 1).group_by(data_keys.c.company).subquery("newest")


def _is_former(field: SealedField, newest: Subquery) -> ColumnElement[bool]:
    # The header of an envelope: a byte of format, then the version as PostgreSQL itself sends an integer.
    header = func.substring(field.table.c[field.column], 2, 4)
    return header < func.int4send(newest.c.version)

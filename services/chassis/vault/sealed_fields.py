"""Which columns hold sealed values, so that a rotation of data keys finds and reseals them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Table

from services.chassis.vault.place import Place


@dataclass(frozen=True)
class SealedField:
    """One sealed column of a table. Its owner role must see all rows: `services.chassis.db.schema.swept`."""

    table: Table
    column: str
    owner: ColumnElement[str]
    """Under whose data keys a row's value is sealed."""
    place: Callable[[Any], Place]
    """The place of a row's value, by the row's columns."""

    @property
    def name(self) -> str:
        return f"{self.table.name}.{self.column}"

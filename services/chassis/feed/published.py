"""Which columns of which tables the feed shows to other services of the platform: this list is also its grant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import Table

from services.chassis.changes.recorder import Recorded


@dataclass(frozen=True)
class Published:
    """Rows of a recorded class, by their key and these columns; in the feed under the paths of the contract."""

    row: Any
    columns: tuple[str, ...]
    readers: frozenset[str] = frozenset()
    """The services that hear of it; empty for every watcher."""

    @property
    def table(self) -> Table:
        table: Table = self.row.__table__
        return table

    @cached_property
    def key(self) -> tuple[str, ...]:
        """The columns of its key in the order of its name, which begins with the company."""
        return tuple(
            sorted((column.name for column in self.table.primary_key), key=lambda name: name != "company")
        )

    @property
    def granted(self) -> tuple[str, ...]:
        """Everything the feed may read of the table."""
        return (*self.key, *(column for column in self.columns if column not in self.key))

    @property
    def recorded(self) -> Recorded:
        recorded: Recorded = self.row.__recorded__
        return recorded

    @property
    def type(self) -> str:
        return self.recorded.type

    def name(self, row: dict[str, Any]) -> str:
        """Name of the resource."""
        name: str = self.row(**{column: row[column] for column in self.key}).name
        return name

    def state(self, row: dict[str, Any]) -> dict[str, Any]:
        """What is shown of the resource, by the paths of the contract."""
        paths = self.recorded.paths
        return {paths.get(column, column): _plain(row[column]) for column in self.columns}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value

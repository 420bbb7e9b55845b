"""What a service declares of its tables, as the checks of its database need it."""

from __future__ import annotations

from services.chassis.db.rows import TableClass
from services.chassis.service import Service


def sealed(service: Service) -> set[str]:
    """Tables of which a column is sealed."""
    return {field.table.name for field in service.sealed_fields}


def fed(service: Service) -> dict[str, frozenset[str]]:
    """What the feed may read: the log without its values, and the published columns."""
    log = dict.fromkeys(("change_heads", "changes", "change_feed"), frozenset({"SELECT"}))
    columns = {
        each.table.name: frozenset(f"SELECT {column}" for column in each.granted)
        for each in service.published
    }
    return {**log, **columns}


def classes_of(service: Service) -> dict[str, TableClass | None]:
    """Every table with its class."""
    return {name: table.info.get("class") for name, table in service.metadata.tables.items()}

"""What is kept of a person, as they may have it: every row of theirs, without what opens anything."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from services.chassis.db.rows import OWNERS
from services.identity.rows import Base

WITHHELD: dict[str, frozenset[str]] = {
    "codes": frozenset({"digest", "code_challenge", "nonce"}),
    "families": frozenset({"digest"}),
    "former_passwords": frozenset({"hash"}),
    "passwords": frozenset({"hash"}),
    "recovery_codes": frozenset({"digests"}),
    "sessions": frozenset({"digest"}),
}
"""Columns that would help somebody to get in, by their table. Binary ones are withheld wherever they are."""


def classes() -> list[Any]:
    """The mapped classes of rows that belong to a person, by the name of their table."""
    found = [
        mapper.class_
        for mapper in Base.registry.mappers
        if "user_id" in OWNERS.get(mapper.local_table.info.get("class"), ())  # type: ignore[attr-defined]
    ]
    return sorted(found, key=lambda each: str(each.__tablename__))


def lines(db: Session, user_id: str) -> Iterator[bytes]:
    """One line a row: its kind, and its columns."""
    for each in classes():
        query = select(each).where(each.user_id == user_id)
        for row in db.scalars(query.order_by(*inspect(each).primary_key)):
            document = {"kind": each.__tablename__, **_columns(row)}
            yield json.dumps(document, ensure_ascii=False).encode() + b"\n"


def _columns(row: Any) -> dict[str, Any]:
    hidden = WITHHELD.get(row.__tablename__, frozenset())
    values = {attribute.key: getattr(row, attribute.key) for attribute in inspect(row).mapper.column_attrs}
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in values.items()
        if name not in hidden and not isinstance(value, bytes)
    }

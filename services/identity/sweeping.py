"""Taking expired rows away: some of them with each that is added, so that they die out without a job of their own."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import InstrumentedAttribute, Session


def sweep(db: Session, key: InstrumentedAttribute[Any], expired: ColumnElement[bool], at_once: int) -> None:
    """Deletes up to so many of the expired rows, found by their key. What another call holds is left to it."""
    found = select(key).where(expired).limit(at_once).with_for_update(skip_locked=True)
    db.execute(delete(key.class_).where(key.in_(found)), execution_options={"synchronize_session": False})

"""What a service knows of others' resources, asked in its own database."""

from __future__ import annotations

from sqlalchemy import Table, and_, exists, select
from sqlalchemy.orm import Session

from services.chassis.errors import NotReady

_RETRY_SECONDS = 1.0


def require(session: Session, table: Table, **key: str) -> None:
    """Refuses, for a moment, to do anything for what is not known here: it may have been made just now, elsewhere.

    That it does not exist, only its owner can say; so this is NOT_READY, and never "not found".
    """
    same = and_(*(table.c[column] == value for column, value in key.items()))
    if not session.connection().execute(select(exists().where(same))).scalar_one():
        raise NotReady(
            "This service has not heard of it yet: try again in a moment.", retry_after_seconds=_RETRY_SECONDS
        )

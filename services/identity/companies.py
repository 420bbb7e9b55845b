"""Companies as identity knows them: the name that sign-in shows."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.identity.rows import MIRRORS

KNOWN = MIRRORS["known_companies"]


def names(db: Session, companies: Collection[str]) -> dict[str, str]:
    """Display names by company; of one that was not heard of yet, none."""
    rows = db.execute(select(KNOWN.c.company, KNOWN.c.display_name).where(KNOWN.c.company.in_(companies)))
    return {row.company: row.display_name for row in rows}

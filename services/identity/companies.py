"""Companies as identity knows them: the name that sign-in shows, and whom they let in."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.chassis.mirrors.known import require
from services.identity.rows import MIRRORS

KNOWN = MIRRORS["known_companies"]
_POLICIES = MIRRORS["company_policies"]
_PASSWORD_POLICIES = MIRRORS["password_policies"]


def requiring_second_factor(db: Session, companies: Collection[str]) -> set[str]:
    """Those of the companies that let nobody in without a second factor."""
    table = _POLICIES.c
    wanted = select(table.company).where(table.company.in_(companies), table.second_factor_required)
    return set(db.scalars(wanted))


def requiring_password_renewal(db: Session, companies: Collection[str]) -> set[str]:
    """Those of the companies that ask whoever has no second factor for another password from time to time."""
    table = _PASSWORD_POLICIES.c
    wanted = select(table.company).where(table.company.in_(companies), table.password_renewal_required)
    return set(db.scalars(wanted))


@dataclass(frozen=True)
class Known:
    """What identity knows of a company."""

    display_name: str
    time_zone: str
    language_code: str


def find(db: Session, company: str) -> Known:
    """The company. Raises NotReady if it was not heard of yet."""
    require(db, KNOWN, company=company)
    columns = (KNOWN.c.display_name, KNOWN.c.time_zone, KNOWN.c.language_code)
    return Known(*db.execute(select(*columns).where(KNOWN.c.company == company)).one())


def names(db: Session, companies: Collection[str]) -> dict[str, str]:
    """Display names by company; of one that was not heard of yet, none."""
    rows = db.execute(select(KNOWN.c.company, KNOWN.c.display_name).where(KNOWN.c.company.in_(companies)))
    return {row.company: row.display_name for row in rows}

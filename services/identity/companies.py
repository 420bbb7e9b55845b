"""Companies as identity knows them: that they exist, and the name that sign-in shows."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from services.chassis.authorize import unknown
from services.chassis.contract import PATTERNS
from services.chassis.db.rows import DirectoryRow
from services.identity.rows import Base

NAME = PATTERNS["comptoir.company/Company"]


class CompanyRow(DirectoryRow, Base):
    """One registered company."""

    __tablename__ = "companies"

    company: Mapped[str] = mapped_column(primary_key=True)
    display_name: Mapped[str]


def register(db: Session, company: str, display_name: str) -> None:
    """Makes the company known, or gives it its new name."""
    row = insert(CompanyRow).values(company=company, display_name=display_name)
    db.execute(
        row.on_conflict_do_update(
            index_elements=[CompanyRow.company], set_={"display_name": row.excluded.display_name}
        )
    )


def check_known(db: Session, company: str) -> None:
    """Refuses a company that was not registered."""
    if company not in names(db, [company]):
        raise unknown(NAME.format({"company": company}))


def names(db: Session, companies: Collection[str]) -> dict[str, str]:
    """Display names by company."""
    rows = db.execute(
        select(CompanyRow.company, CompanyRow.display_name).where(CompanyRow.company.in_(companies))
    )
    return {row.company: row.display_name for row in rows}

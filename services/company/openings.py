"""What a company begins with (CO13). The services whose it is hear of it by the feed, and make it."""

from __future__ import annotations

from sqlalchemy import ForeignKeyConstraint
from sqlalchemy.orm import Mapped

from services.chassis.changes.recorder import CREATE, Recorded
from services.chassis.contract import PATTERNS
from services.chassis.db.rows import TenantRow
from services.chassis.errors import Invalid
from services.company import companies
from services.company.contacts import email
from services.company.findings import Broken
from services.company.rows import Base

NAME = PATTERNS["comptoir.company/Opening"]


class OpeningRow(TenantRow, Base):
    """The first owner, whom identity invites, and the first shop, which the shop service opens."""

    __tablename__ = "openings"
    __recorded__ = Recorded(
        "comptoir.company/Opening", secret=frozenset({"owner_email"}), actions=frozenset({CREATE})
    )
    # So that the company comes first in the log: nobody can make something for one that they have not heard of.
    __table_args__ = (ForeignKeyConstraint(["company"], ["companies.company"]), TenantRow.__table_args__)

    owner_email: Mapped[str]
    shop_display_name: Mapped[str]

    @property
    def name(self) -> str:
        return NAME.format({"company": self.company})

    @property
    def history(self) -> str:
        return companies.NAME.format({"company": self.company})


def opening(company: str, owner_email: str, shop_display_name: str) -> OpeningRow:
    """The row. Raises `Invalid` for what is no address."""
    try:
        address = email(owner_email)
    except Broken as broken:
        raise Invalid.field("owner_email", broken.rule, broken.description) from None
    return OpeningRow(company=company, owner_email=address, shop_display_name=shop_display_name)

"""The logo of a shop: its row, how it is found and replaced (ME1, ME4, ME5)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from services.chassis import etags
from services.chassis.authorize import unknown
from services.chassis.changes.recorder import Recorded
from services.chassis.contract import PATTERNS
from services.chassis.db.rows import TenantRow
from services.media.rows import Base

NAME = PATTERNS["comptoir.media/Logo"]


class LogoRow(TenantRow, Base):
    """The present logo of a shop, and how it came here. Who imported it, its change says (ME5)."""

    __tablename__ = "logos"
    __recorded__ = Recorded("comptoir.media/Logo")

    shop_id: Mapped[str] = mapped_column(primary_key=True)
    image_id: Mapped[str]
    width: Mapped[int]
    height: Mapped[int]
    file_name: Mapped[str]
    rules_version: Mapped[str]
    import_time: Mapped[datetime]

    @property
    def name(self) -> str:
        return NAME.format({"company": self.company, "shop": self.shop_id})

    @property
    def etag(self) -> str:
        # Every import is a new image, so its id is the version; a counter would begin again after a removal.
        return etags.etag(self.name, self.image_id)


def find(db: Session, company: str, shop_id: str, *, for_update: bool = False) -> LogoRow:
    """The logo, or the answer for a shop without one. `for_update`: nobody else replaces or removes it meanwhile."""
    row = _locked(db, company, shop_id) if for_update else _read(db, shop_id)
    if row is None:
        raise unknown(NAME.format({"company": company, "shop": shop_id}))
    return row


def replaced(db: Session, company: str, shop_id: str, etag: str) -> LogoRow:
    """The row that an import is to fill: the present one, or a new one; refuses a stale etag."""
    row = _locked(db, company, shop_id)
    etags.check(etag, row.etag if row else "", NAME.format({"company": company, "shop": shop_id}))
    if row is None:
        row = LogoRow(company=company, shop_id=shop_id)
        db.add(row)
    return row


def _locked(db: Session, company: str, shop_id: str) -> LogoRow | None:
    # A row that is not there yet cannot be locked, and two first imports at once are both good.
    db.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"logos/{company}/{shop_id}", 0))))
    return _read(db, shop_id)


def _read(db: Session, shop_id: str) -> LogoRow | None:
    return db.scalars(select(LogoRow).where(LogoRow.shop_id == shop_id)).one_or_none()

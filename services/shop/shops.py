"""A shop: its row, its defaults, how it is found (SH1, SH2)."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from services.chassis import etags
from services.chassis.authorize import unknown
from services.chassis.changes.recorder import Recorded
from services.chassis.contract import PATTERNS
from services.chassis.db.rows import DirectoryRow, TenantRow
from services.chassis.errors import Exists, Precondition, Unavailable
from services.chassis.pages import Page
from services.shop.rows import Base

NAME = PATTERNS["comptoir.shop/Shop"]
TEST_ONLY, PRODUCTION_READY, CLOSED = (
    "SHOP_STATE_TEST_ONLY",
    "SHOP_STATE_PRODUCTION_READY",
    "SHOP_STATE_CLOSED",
)
EXTRA_ATTEMPTS = 3
"""Default of a new shop (domain: 0 to 10)."""
_TRIES = 20
"""Random ids tried for one shop: with half of all taken, one in a million new shops finds none."""


class ShopRow(TenantRow, Base):
    """One shop with its settings. Choices are kept by their name in the contract."""

    __tablename__ = "shops"
    __recorded__ = Recorded("comptoir.shop/Shop")

    shop_id: Mapped[str] = mapped_column(primary_key=True)
    display_name: Mapped[str]
    url: Mapped[str] = mapped_column(default="")
    manager_email: Mapped[str] = mapped_column(default="")
    capture_delay_days: Mapped[int] = mapped_column(default=0)
    validation_mode: Mapped[str] = mapped_column(default="VALIDATION_MODE_AUTOMATIC")
    extra_attempts: Mapped[int] = mapped_column(default=EXTRA_ATTEMPTS)
    notify_refused_attempts: Mapped[bool] = mapped_column(default=False)
    signature_algorithm: Mapped[str] = mapped_column(default="SIGNATURE_ALGORITHM_HMAC_SHA_256")
    state: Mapped[str] = mapped_column(default=TEST_ONLY)
    state_before_closing: Mapped[str] = mapped_column(default="", server_default=text("''"))
    """Where a closed shop stood; empty if it is open."""
    create_time: Mapped[datetime]
    update_time: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1)

    @property
    def name(self) -> str:
        return NAME.format({"company": self.company, "shop": self.shop_id})

    @property
    def etag(self) -> str:
        # The number alone comes again: after a trial that left nothing, or for a row made anew.
        return etags.etag(self.name, self.version, self.update_time.astimezone(UTC).isoformat())

    @property
    def is_closed(self) -> bool:
        return self.state == CLOSED

    def touch(self, now: datetime) -> None:
        """Counts a change of the settings."""
        self.version += 1
        self.update_time = now


class ShopDirectoryRow(DirectoryRow, Base):
    """Whose shop a public id is."""

    __tablename__ = "shop_directory"

    shop_id: Mapped[str] = mapped_column(primary_key=True)
    company: Mapped[str]


def find(db: Session, company: str, shop_id: str, *, for_update: bool = False) -> ShopRow:
    """The shop, or the answer for an unknown one."""
    query = select(ShopRow).where(ShopRow.shop_id == shop_id)
    row = db.scalars(query.with_for_update() if for_update else query).one_or_none()
    if row is None:
        raise unknown(NAME.format({"company": company, "shop": shop_id}))
    return row


def require_open(row: ShopRow) -> None:
    """Refuses for a closed shop."""
    if row.is_closed:
        raise Precondition("The shop is closed.", reason="SHOP_CLOSED")


def require_production(row: ShopRow) -> None:
    """Refuses for a shop that is not ready for production (SH6)."""
    require_open(row)
    if row.state != PRODUCTION_READY:
        raise Precondition(
            "The tests before production are not done: GetGoLive says which are missing.",
            reason="GO_LIVE_INCOMPLETE",
        )


def owner(db: Session, shop_id: str) -> str | None:
    """The company of a public id."""
    return db.scalars(
        select(ShopDirectoryRow.company).where(ShopDirectoryRow.shop_id == shop_id)
    ).one_or_none()


def listed(db: Session, page: Page, reached: frozenset[str] | None) -> Sequence[ShopRow]:
    """One page of the company's shops, by public id; `reached` keeps to the shops of the caller."""
    query = select(ShopRow).order_by(ShopRow.shop_id).limit(page.limit)
    if reached is not None:
        query = query.where(ShopRow.shop_id.in_(reached))
    if page.after is not None:
        query = query.where(ShopRow.shop_id > page.after[0])
    return db.scalars(query).all()


def register(db: Session, company: str, wanted: str) -> str:
    """Takes a public id for the company: the wanted one, or a random free one."""
    for _ in range(_TRIES):
        shop_id = wanted or f"{secrets.randbelow(10**8):08d}"
        taken = db.execute(
            insert(ShopDirectoryRow)
            .values(shop_id=shop_id, company=company)
            .on_conflict_do_nothing()
            .returning(ShopDirectoryRow.shop_id)
        ).one_or_none()
        if taken is not None:
            return shop_id
        if wanted:
            raise Exists(f"The public id {wanted} is taken.", reason="SHOP_ID_TAKEN")
    raise Unavailable("No free public id was found.", retry_after_seconds=1)

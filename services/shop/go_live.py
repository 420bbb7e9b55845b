"""The way of a shop to production: two accepted test payments and two refused ones (SH6), and its end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ForeignKeyConstraint, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from services.chassis.changes.recorder import Recorded
from services.chassis.contract import PATTERNS
from services.chassis.db.rows import TenantRow
from services.shop import keys, letters
from services.shop.letters import Letters
from services.shop.rows import Base
from services.shop.shops import CLOSED, PRODUCTION_READY, TEST_ONLY, ShopRow

NAME = PATTERNS["comptoir.shop/GoLive"]
ACCEPTED, REFUSED = "PAYMENT_OUTCOME_ACCEPTED", "PAYMENT_OUTCOME_REFUSED"
SCENARIOS = {ACCEPTED: 2, REFUSED: 2}
"""How many payments of each outcome are to be seen."""


@dataclass(frozen=True)
class Payment:
    """A test payment that counts."""

    transaction_id: str
    outcome: str
    brand: str
    payment_time: str
    """In UTC, as ISO 8601 has it."""

    @classmethod
    def told(cls, transaction_id: str, outcome: str, brand: str, time: datetime) -> Payment:
        """As the payment engine tells of it."""
        return cls(transaction_id, outcome, brand, time.astimezone(UTC).isoformat())

    @property
    def time(self) -> datetime:
        return datetime.fromisoformat(self.payment_time)


class GoLiveRow(TenantRow, Base):
    """What was seen of a shop so far; one of which nothing was seen has no row."""

    __tablename__ = "shop_go_lives"
    __recorded__ = Recorded("comptoir.shop/GoLive", paths={"payments": "scenarios"})
    __table_args__ = (
        ForeignKeyConstraint(["company", "shop_id"], ["shops.company", "shops.shop_id"]),
        TenantRow.__table_args__,
    )

    shop_id: Mapped[str] = mapped_column(primary_key=True)
    payments: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    """Those that count, at most four, in the order in which they were told."""
    first_production_payment_time: Mapped[datetime | None]

    @property
    def name(self) -> str:
        return NAME.format({"company": self.company, "shop": self.shop_id})

    @property
    def history(self) -> str:
        return NAME.parent.format({"company": self.company, "shop": self.shop_id})


@dataclass(frozen=True)
class Progress:
    """How far a shop has come."""

    payments: tuple[Payment, ...] = ()
    first_production_payment_time: datetime | None = None

    def missing(self, outcome: str) -> int:
        """How many payments of this outcome are still to be seen."""
        return SCENARIOS[outcome] - Counter(payment.outcome for payment in self.payments)[outcome]

    @property
    def is_complete(self) -> bool:
        return not any(map(self.missing, SCENARIOS))

    def scenarios(self) -> Iterator[tuple[str, Payment | None]]:
        """Each test with the payment that was seen for it."""
        for outcome, count in SCENARIOS.items():
            seen = [payment for payment in self.payments if payment.outcome == outcome]
            yield from ((outcome, seen[n] if n < len(seen) else None) for n in range(count))


def progress(db: Session, shop_id: str) -> Progress:
    """What was seen of a shop."""
    row = _find(db, shop_id)
    if row is None:
        return Progress()
    return Progress(tuple(Payment(**payment) for payment in row.payments), row.first_production_payment_time)


def tested(db: Session, mail: Letters, shop: ShopRow, payment: Payment, now: datetime) -> Progress:
    """Counts a test payment, if it is a new one of which more are to be seen. `shop` is locked.

    A closed shop takes no payments, so none of it counts: one that was ready would else be made so unseen.
    """
    before = progress(db, shop.shop_id)
    known = any(each.transaction_id == payment.transaction_id for each in before.payments)
    if known or shop.is_closed or not before.missing(payment.outcome):
        return before
    row = _find(db, shop.shop_id) or _new(db, shop)
    row.payments = [*row.payments, asdict(payment)]
    db.flush()
    after = progress(db, shop.shop_id)
    if after.is_complete:
        make_ready(db, mail, shop, now)
    return after


def make_ready(db: Session, mail: Letters, shop: ShopRow, now: datetime) -> None:
    """Lets the shop have production keys; one that has come so far, or is closed, stays as it is."""
    if shop.state == TEST_ONLY:
        shop.state = PRODUCTION_READY
        shop.touch(now)
        mail.of_shop(db, letters.SHOP_READY, shop, now)


def paid(db: Session, shop: ShopRow, time: datetime) -> Progress:
    """Notes the first production payment; those that are told later change nothing. `shop` is locked."""
    row = _find(db, shop.shop_id) or _new(db, shop)
    if row.first_production_payment_time is None:
        row.first_production_payment_time = time
        db.flush()
    return progress(db, shop.shop_id)


def close(shop: ShopRow, now: datetime) -> None:
    """Closes the shop; a closed one stays as it is."""
    if not shop.is_closed:
        shop.state_before_closing, shop.state = shop.state, CLOSED
        shop.touch(now)


def reopen(db: Session, shop: ShopRow, now: datetime) -> None:
    """Opens a closed shop where it stood before; an open one stays as it is."""
    if shop.is_closed:
        shop.state, shop.state_before_closing = shop.state_before_closing or _stood(db, shop), ""
        shop.touch(now)


def _stood(db: Session, shop: ShopRow) -> str:
    """Where a shop stood that was closed when this was not written down yet: whatever shows it makes it ready."""
    seen = progress(db, shop.shop_id)
    paid_once = seen.first_production_payment_time is not None
    ready = seen.is_complete or paid_once or keys.has_production(db, shop.shop_id)
    return PRODUCTION_READY if ready else TEST_ONLY


def _find(db: Session, shop_id: str) -> GoLiveRow | None:
    return db.scalars(select(GoLiveRow).where(GoLiveRow.shop_id == shop_id)).one_or_none()


def _new(db: Session, shop: ShopRow) -> GoLiveRow:
    row = GoLiveRow(company=shop.company, shop_id=shop.shop_id, payments=[])
    db.add(row)
    return row

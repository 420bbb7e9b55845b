"""The first shop of a company (CO13): opened when the feed tells that the company was opened with one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select

from services.chassis.changes.recorder import CREATE
from services.chassis.db.tenancy import ScopedSession
from services.chassis.mirrors.told import Told
from services.shop import opening
from services.shop.keys import KeyRing
from services.shop.shops import ShopRow

SOURCES = frozenset({"company"})
OPENING = "comptoir.company/Opening"


@dataclass(frozen=True)
class FirstShop:
    """Opens the shop, once."""

    ring: KeyRing

    def react(self, session: ScopedSession, change: Told) -> None:
        """Opens it with the label that the company was opened with, every default, and its test keys; unless the
        company has a shop."""
        company = session.scope.company
        if company is None or (change.type, change.action) != (OPENING, CREATE):
            return
        if session.scalars(select(ShopRow.shop_id).limit(1)).first() is None:
            row = ShopRow(shop_id="", display_name=change.state["shop_display_name"])
            opening.open_shop(session, self.ring, company, row, datetime.now(UTC))

"""Values of keys in clear, for the merchant alone (SH12)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from services.chassis.errors import Precondition
from services.chassis.vault.secret import Secret
from services.shop import go_live, keys, letters, usage
from services.shop.keys import KINDS, PRODUCTION, KeyKind, KeyRing, KeyRow
from services.shop.letters import Letters
from services.shop.shops import ShopRow

_LOCKED = KINDS["rest-password-production"]
"""Once real money has moved with it: who lost it generates a new one, and sees that (domain: keys)."""


def is_revealable(db: Session, shop: ShopRow, kind: KeyKind, row: KeyRow) -> bool:
    """Whether the present value of the key may be revealed."""
    if kind.is_public or (shop.is_closed and kind.environment == PRODUCTION):
        return False
    return kind is not _LOCKED or not _has_moved_money(db, row)


def _has_moved_money(db: Session, row: KeyRow) -> bool:
    """Whether it was the password when the first production payment was made, or was presented since."""
    first = go_live.progress(db, row.shop_id).first_production_payment_time
    return first is not None and (row.generate_time <= first or usage.was_presented(db, row))


def reveal(
    ring: KeyRing, mail: Letters, db: Session, shop: ShopRow, kind: KeyKind, now: datetime
) -> tuple[KeyRow, Secret]:
    """The present value of the key. It leaves a change on the key, and the manager hears of it, each time."""
    row = keys.find(db, shop.shop_id, kind, for_update=True)
    if row is None:
        raise Precondition("The key is still to be generated.", reason="KEY_NOT_GENERATED")
    if not is_revealable(db, shop, kind, row):
        raise Precondition(f"The key {kind.key_id} of this shop is not revealed.", reason="NOT_REVEALABLE")
    row.reveal_time = now
    row.reveal_count += 1
    db.flush()
    mail.of_key(db, letters.KEY_REVEALED, row, now)
    return row, ring.open(db, keys.values_of(db, row)[0])

"""Values of keys in clear, for the merchant alone (SH12)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from services.chassis.errors import Precondition
from services.chassis.vault.secret import Secret
from services.shop import go_live, keys, letters
from services.shop.keys import KINDS, PRODUCTION, KeyKind, KeyRing, KeyRow
from services.shop.letters import Letters
from services.shop.shops import ShopRow

_LOCKED = KINDS["rest-password-production"]
"""Real money has moved with it: who lost it generates a new one (domain: keys)."""


def is_revealable(shop: ShopRow, kind: KeyKind, *, paid: bool) -> bool:
    """Whether a value of such a key may be revealed. `paid`: a production payment was made with the shop."""
    closed = shop.is_closed and kind.environment == PRODUCTION
    return not (kind.is_public or closed or (paid and kind is _LOCKED))


def reveal(
    ring: KeyRing, mail: Letters, db: Session, shop: ShopRow, kind: KeyKind, now: datetime
) -> tuple[KeyRow, Secret]:
    """The present value of the key. It leaves a change on the key, and the manager hears of it, each time."""
    row = keys.find(db, shop.shop_id, kind, for_update=True)
    if row is None:
        raise Precondition("The key is still to be generated.", reason="KEY_NOT_GENERATED")
    paid = go_live.progress(db, shop.shop_id).first_production_payment_time is not None
    if not is_revealable(shop, kind, paid=paid):
        raise Precondition(f"The key {kind.key_id} of this shop is not revealed.", reason="NOT_REVEALABLE")
    row.reveal_time = now
    row.reveal_count += 1
    db.flush()
    mail.of_key(db, letters.KEY_REVEALED, row, now)
    return row, ring.open(db, keys.values_of(db, row)[0])

"""Signs for a shop: by the present value of the key, and while the former one is valid, on demand by that too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from services.chassis.errors import Invalid, Precondition
from services.chassis.vault.secret import Secret
from services.shop import answers, signatures
from services.shop.keys import KeyKind
from services.shop.verdicts import ShopKeys

if TYPE_CHECKING:
    from services.shop.key_values import KeyValue


@dataclass(frozen=True)
class Signed:
    """A signature, with the value it was made with; and the same by the former value, if that was asked for."""

    signature: str
    value: KeyValue
    former_signature: str = ""
    former: KeyValue | None = None


def sign(
    shop: ShopKeys, kind: KeyKind, now: datetime, make: Callable[[Secret], str], *, both: bool = False
) -> Signed:
    """What `make` gives for the key. Refused when the shop is closed, or the key is not there or expired."""
    if shop.refuses(kind):
        raise Precondition("The shop is closed: nothing is signed for PRODUCTION.", reason="SHOP_CLOSED")
    values = shop.values(kind)
    if not values:
        raise Precondition(
            f"The key {kind.key_id} of shop {shop.shop_id} is still to be generated.",
            reason="KEY_NOT_GENERATED",
        )
    current = values[0]
    if not current.is_live(now):
        raise Precondition(f"The key {kind.key_id} of shop {shop.shop_id} expired.", reason="KEY_EXPIRED")
    signature = make(current.secret)
    former = next((value for value in values[1:] if value.is_live(now)), None) if both else None
    if former is None:
        return Signed(signature, current)
    return Signed(signature, current, make(former.secret), former)


def answer_key(answer: str, hash_key: str, environment: str) -> KeyKind:
    """Which key signs an answer; refuses one that says it is of the other environment."""
    try:
        said = answers.environment(answer)
    except answers.Doubtful as doubt:
        raise Invalid.field("kr_answer", "unambiguous", doubt.rule) from None
    if said not in (None, environment):
        raise Invalid.field("environment", "answer_mode", "must be that of the answer's mode")
    return signatures.answer_key(hash_key, environment)

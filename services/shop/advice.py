"""What is advised about the settings of a shop (SH2, SH10): a reason for programs, and a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from services.shop.shops import ShopRow


class Advice(NamedTuple):
    """Advice about one setting."""

    field: str
    reason: str
    message: str


_DEFERRED = Advice(
    "validation_mode",
    "AFFECTS_DEFERRED_PAYMENTS",
    "The validation mode affects deferred payments: what is not validated by its capture date then expires.",
)
_ABANDONED = Advice(
    "notify_refused_attempts",
    "CANCELLATION_RULE_RECOMMENDED",
    "An abandoned payment is not notified: set up the rule for the notification URL on cancellation as well.",
)


def advised(shop: ShopRow) -> Iterator[Advice]:
    """The advice that applies to the settings as they are."""
    if shop.validation_mode == "VALIDATION_MODE_MANUAL":
        yield _DEFERRED
    if shop.notify_refused_attempts:
        yield _ABANDONED

"""Verdicts on signatures: whether one is right, by which value of which key, and if not, why (SH11).

Pure: keys come in opened, time comes in as `now`. Why a wrong one is wrong is found in `diagnosis`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from services.shop.keys import NAME, PRODUCTION, KeyKind
from services.shop.shops import NAME as SHOP_NAME

if TYPE_CHECKING:
    from services.shop.key_values import KeyValue

CURRENT, FORMER, RETIRED = "KEY_VALUE_STATE_CURRENT", "KEY_VALUE_STATE_FORMER", "KEY_VALUE_STATE_RETIRED"
UNKNOWN = "CAUSE_UNKNOWN"

SENTENCES = {
    UNKNOWN: "The signature does not match, by any key of this shop.",
    "CAUSE_UNKNOWN_SHOP": "There is no such shop.",
    "CAUSE_OTHER_SHOP": "The form names another shop in vads_site_id.",
    "CAUSE_SHOP_CLOSED": "The shop is closed: PRODUCTION is not accepted any more.",
    "CAUSE_KEY_NOT_GENERATED": "The key {due} of this shop is still to be generated.",
    "CAUSE_OTHER_ENVIRONMENT": "This is of the other environment: TEST and PRODUCTION have keys of their own.",
    "CAUSE_RETIRED_KEY": "This was made with a former value of the key {key}, no longer valid since {since}.",
    "CAUSE_WRONG_KEY_FAMILY": "This was made with the key {key}, where {due} is due.",
    "CAUSE_WRONG_ALGORITHM": "The key is right, but the algorithm or the notation of the signature is not.",
    "CAUSE_BODY_REENCODED": "The key is right, but what was signed was written anew: sign and check it as it travels.",
    "CAUSE_FIELD_ORDER": "The key is right, but the values are not joined in the byte order of their fields' names.",
    "CAUSE_CHARSET": "The key is right, but the values were not signed in UTF-8.",
    "CAUSE_TRUNCATED": "The signature is the right one, but was cut or altered on its way.",
    "CAUSE_MISSING_FIELD": "{field}",
    "CAUSE_REPEATED_FIELD": "{field} is there more than once.",
    "CAUSE_UNREADABLE": "kr-answer is no JSON that every reader reads alike.",
    "CAUSE_UNSUPPORTED_KEY": "kr-hash-key must be password or sha256_hmac.",
    "CAUSE_UNSUPPORTED_ALGORITHM": "kr-hash-algorithm must be sha256_hmac.",
    "CAUSE_MALFORMED_CREDENTIALS": "The credentials are not a public id of 8 digits and a password (RFC 7617).",
    "CAUSE_KEY_UNAVAILABLE": "The keys of this shop cannot be reached at present: ask again.",
}
"""What may be shown, by cause."""


@dataclass(frozen=True)
class ShopKeys:
    """A shop as far as its signatures go."""

    company: str
    shop_id: str
    algorithm: str
    closed: bool
    values: Callable[[KeyKind], tuple[KeyValue, ...]]
    """The values of a key, opened: the present one first, then the former and the retired."""

    @property
    def name(self) -> str:
        return SHOP_NAME.format({"company": self.company, "shop": self.shop_id})

    def refuses(self, kind: KeyKind) -> bool:
        """Whether the key is of no use any more, as the shop is closed."""
        return self.closed and kind.environment == PRODUCTION

    def live(self, kind: KeyKind, now: datetime) -> list[KeyValue]:
        """The values that are valid now."""
        return [value for value in self.values(kind) if value.is_live(now)]


class Verdict(NamedTuple):
    """What is told of one signature."""

    valid: bool
    cause: str = "CAUSE_UNSPECIFIED"
    message: str = ""
    environment: str = ""
    value: KeyValue | None = None
    state: str = "KEY_VALUE_STATE_UNSPECIFIED"
    undiagnosed: bool = False

    @property
    def is_unexplained(self) -> bool:
        """Whether `diagnosis` may find out more."""
        return self.cause == UNKNOWN and not self.undiagnosed


def accepted(shop: ShopKeys, value: KeyValue) -> Verdict:
    """The verdict on a right signature."""
    is_current = value.generation == shop.values(value.kind)[0].generation
    return Verdict(
        valid=True,
        environment=value.kind.environment,
        value=value,
        state=CURRENT if is_current else FORMER,
    )


def refused(
    cause: str,
    environment: str = "",
    *,
    undiagnosed: bool = False,
    due: KeyKind | None = None,
    field: str = "",
) -> Verdict:
    """The verdict on a wrong one of which nothing tells by which key it was made."""
    words = {"due": due.key_id if due else "that is due", "field": field}
    environment = due.environment if due else environment
    return Verdict(
        False,
        cause,
        SENTENCES[cause].format_map(words),
        environment,
        undiagnosed=undiagnosed,
    )


def explained(
    shop: ShopKeys, cause: str, value: KeyValue, now: datetime, due: KeyKind, field: str = ""
) -> Verdict:
    """The verdict on a wrong one that was made with this value, where the key `due` was."""
    state = RETIRED
    if value.is_live(now):
        state = accepted(shop, value).state
    since = value.retire_time.isoformat(timespec="seconds") if value.retire_time else ""
    words = {"key": value.kind.key_id, "due": due.key_id, "since": since, "field": field}
    message = SENTENCES[cause].format_map(words)
    return Verdict(False, cause, message, value.kind.environment, value, state)


def key_name(shop: ShopKeys, value: KeyValue) -> str:
    """Full name of the key that has this value."""
    return NAME.format({"company": shop.company, "shop": shop.shop_id, "key": value.kind.key_id})


def matching(values: Iterable[KeyValue], fits: Callable[[KeyValue], bool]) -> KeyValue | None:
    """The first value that fits."""
    return next(filter(fits, values), None)


def of_all(shop: ShopKeys, kinds: Iterable[KeyKind]) -> Iterator[KeyValue]:
    """The values of several keys."""
    for kind in kinds:
        yield from shop.values(kind)

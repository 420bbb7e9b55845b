"""A shop and its settings, as internal services see them (SH1, SH2)."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from comptoir_client.errors import Invalid
from comptoir_rules import ValidationMode

_NAME = re.compile(r"companies/(-|[a-z0-9][a-z0-9-]{0,62})/shops/([0-9]{8})")
_PUBLIC_ID = re.compile(r"[0-9]{8}")
_MODE = "VALIDATION_MODE_"
"""What the names of modes begin with in the contract."""
ANY = "-"
"""Stands for a company that is not known (AIP-159)."""


class Choice(StrEnum):
    """One of several, by its name in the contract; what a later contract adds is UNSPECIFIED here."""

    @classmethod
    def _missing_(cls, value: object) -> Choice | None:
        return cls.__members__.get("UNSPECIFIED")


class SignatureAlgorithm(Choice):
    """Algorithm of the form signature."""

    UNSPECIFIED = "SIGNATURE_ALGORITHM_UNSPECIFIED"
    HMAC_SHA_256 = "SIGNATURE_ALGORITHM_HMAC_SHA_256"
    SHA_1 = "SIGNATURE_ALGORITHM_SHA_1"


class ShopState(Choice):
    """Where a shop stands: what it does not accept is to be refused. Unknown states accept nothing for certain."""

    UNSPECIFIED = "SHOP_STATE_UNSPECIFIED"
    TEST_ONLY = "SHOP_STATE_TEST_ONLY"
    PRODUCTION_READY = "SHOP_STATE_PRODUCTION_READY"
    CLOSED = "SHOP_STATE_CLOSED"


@dataclass(frozen=True, slots=True)
class Shop:
    """One shop with the settings that payments depend on."""

    company: str
    """Id of the company whose it is."""
    shop_id: str
    """The 8-digit public id (`vads_site_id`), leading zeros kept."""
    display_name: str
    url: str
    capture_delay_days: int
    validation_mode: ValidationMode
    extra_attempts: int
    notify_refused_attempts: bool
    signature_algorithm: SignatureAlgorithm
    state: ShopState

    @property
    def name(self) -> str:
        """The resource name."""
        return f"companies/{self.company}/shops/{self.shop_id}"


FIELDS = (
    "display_name",
    "url",
    "capture_delay_days",
    "validation_mode",
    "extra_attempts",
    "notify_refused_attempts",
    "signature_algorithm",
    "state",
)
"""Paths of what is kept of a shop."""


def read(name: str, state: Mapping[str, Any]) -> Shop:
    """The shop of this name, from its published fields. Raises LookupError or ValueError for anything else."""
    parsed = _NAME.fullmatch(name)
    if parsed is None:
        raise ValueError("no name of a shop")
    return Shop(
        # A hundred thousand shops have fewer companies: each id is held once.
        sys.intern(parsed[1]),
        parsed[2],
        str(state["display_name"]),
        str(state["url"]),
        int(state["capture_delay_days"]),
        ValidationMode(state["validation_mode"].removeprefix(_MODE)),
        int(state["extra_attempts"]),
        bool(state["notify_refused_attempts"]),
        SignatureAlgorithm(state["signature_algorithm"]),
        ShopState(state["state"]),
    )


def state(shop: Shop) -> dict[str, Any]:
    """Its published fields, as `read` takes them."""
    fields = {field: getattr(shop, field) for field in FIELDS}
    return {**fields, "validation_mode": f"{_MODE}{shop.validation_mode}"}


def split(shop: str) -> tuple[str, str]:
    """Company and public id, from a full name or from a public id alone, whose company is `-`. Raises `Invalid`."""
    if _PUBLIC_ID.fullmatch(shop):
        return ANY, shop
    parsed = _NAME.fullmatch(shop)
    if parsed is None:
        raise Invalid.field(
            "shop", "resource_name", "must be 8 digits or companies/{company}/shops/{8 digits}"
        )
    return parsed[1], parsed[2]

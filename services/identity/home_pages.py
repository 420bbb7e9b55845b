"""Which page may open after sign-in: one that the person may see, in the company where they choose it (ID3)."""

from __future__ import annotations

from services.chassis.caller import Caller
from services.chassis.errors import Denied
from services.chassis.rights import refusal

_NEEDS = {
    "HOME_PAGE_COMPANY": "company.read",
    "HOME_PAGE_SHOPS": "shop.read",
    "HOME_PAGE_MESSAGES": "inbox.read",
}
"""The dashboard is another product's, which judges by itself who may see it."""


def check(caller: Caller, home_page: str) -> None:
    """Refuses a page that would only say that a right is missing."""
    right = _NEEDS.get(home_page)
    if right is not None and right not in caller.rights:
        raise Denied(refusal(right), metadata={"permission": right})

"""Why a person may do something in a company, or may not (ID6)."""

from __future__ import annotations

from dataclasses import dataclass

from services.chassis.errors import Invalid
from services.chassis.rights import PRESETS, RIGHTS
from services.identity.memberships import MemberRow


@dataclass(frozen=True)
class Explanation:
    """The answer: `reason` is the contract's name for it."""

    reason: str
    sentence: str

    @property
    def allowed(self) -> bool:
        return self.reason == "GRANTED_BY_PRESET"


def explain(place: MemberRow | None, right: str, shop_id: str | None) -> Explanation:
    """The first of the reasons that applies, in the order in which a call is judged."""
    if right not in _EXPLAINED:
        raise Invalid.field("permission", "permission", "is not a right that a place can give")
    if place is None:
        return Explanation("NO_PLACE", "The person has no place in this company.")
    if place.suspended:
        return Explanation("SUSPENDED", "The person's place in this company is suspended.")
    if right not in PRESETS[place.preset]:
        return Explanation(
            "PRESET_LACKS_RIGHT",
            f"The preset '{place.preset}' lacks the right '{right}': to {RIGHTS[right]}.",
        )
    if shop_id is not None and not place.all_shops and shop_id not in place.shop_ids:
        return Explanation(
            "SHOP_NOT_REACHED",
            f"The preset '{place.preset}' holds the right '{right}', but the place does not reach shop {shop_id}.",
        )
    return Explanation(
        "GRANTED_BY_PRESET", f"The preset '{place.preset}' holds the right '{right}': to {RIGHTS[right]}."
    )


_EXPLAINED = frozenset(right for right in RIGHTS if not right.startswith("platform."))
"""Rights of the platform's staff come with no place."""

"""Payment forms: whether their `signature` is right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from services.shop import signatures
from services.shop.verdicts import UNKNOWN, ShopKeys, Verdict, accepted, matching, refused

if TYPE_CHECKING:
    from services.shop.key_values import KeyValue


@dataclass(frozen=True)
class Form:
    """A form as received, its fields decoded."""

    fields: Mapping[str, str]
    signature: str
    received: Sequence[tuple[str, str]] = ()
    """The fields in the order received, where it is known."""

    def repeated(self) -> str:
        """The first field that counts and was received twice."""
        if len(self.received) == len(self.fields):
            return ""
        seen: set[str] = set()
        for name, _ in self.received:
            if name in seen and name.startswith("vads_"):
                return name
            seen.add(name)
        return ""


def judge(shop: ShopKeys, form: Form, now: datetime) -> Verdict:
    """The verdict by the values that are valid now."""
    repeated = form.repeated() if form.received else ""
    if repeated:
        return refused("CAUSE_REPEATED_FIELD", field=repeated)
    due = signatures.MODES.get(form.fields.get("vads_ctx_mode", ""))
    if due is None:
        return refused("CAUSE_MISSING_FIELD", field="vads_ctx_mode must be TEST or PRODUCTION.")
    if form.fields.get("vads_site_id", shop.shop_id) != shop.shop_id:
        return refused("CAUSE_OTHER_SHOP", due.environment)
    if shop.refuses(due):
        return refused("CAUSE_SHOP_CLOSED", due.environment)
    if not form.signature:
        return refused(
            "CAUSE_MISSING_FIELD", due.environment, field="The field signature is missing or empty."
        )
    joined = signatures.join(form.fields).encode()

    def fits(value: KeyValue) -> bool:
        ours = signatures.form_signature(joined, value.secret, shop.algorithm)
        return signatures.same(ours, form.signature)

    found = matching(shop.live(due, now), fits)
    if found:
        return accepted(shop, found)
    return refused(UNKNOWN if shop.values(due) else "CAUSE_KEY_NOT_GENERATED", due=due)

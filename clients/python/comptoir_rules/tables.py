"""What the platform knows of card brands and of means of payment."""

from __future__ import annotations

from collections.abc import Mapping

from comptoir_rules.answers import Answer
from comptoir_rules.reasons import Reason

USUAL_VALIDITY = Answer(7, Reason.USUAL_VALIDITY)
"""Days that an authorization lasts for any brand that is not in the table."""
VALIDITY: Mapping[str, Answer[int]] = {
    brand: Answer(days, Reason.BRAND_VALIDITY)
    for brand, days in {
        "CB": 7,
        "VISA": 7,
        "VISA_ELECTRON": 7,
        "VPAY": 7,
        "MASTERCARD": 7,
        "MAESTRO": 30,
    }.items()
}
"""Days that an authorization lasts, by brand."""

LENDERS = frozenset({"ALMA", "COFIDIS", "FRANFINANCE", "FULLCB3X", "FULLCB4X", "ONEY"})
"""First words of methods whose buyer has gone through a lender's own file: a refusal there is final."""


def validity(brand: str) -> Answer[int]:
    """Days that an authorization lasts; brands are known as they are printed, too: `V PAY`, `Visa Electron`."""
    found = VALIDITY.get(brand)
    if found is None:
        written = brand.strip().upper().replace(" ", "_")
        found = VALIDITY.get("VPAY" if written == "V_PAY" else written, USUAL_VALIDITY)
    return found


def retries(method: str) -> bool:
    """Whether the method allows another attempt."""
    return method.partition("_")[0] not in LENDERS

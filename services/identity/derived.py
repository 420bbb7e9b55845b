"""Bearer values that are derived instead of kept: `<subject>.<MAC of purpose and subject>`.

Nothing that opens anything is in the database or in a queue: only the vault, with what the database knows, makes a
value again, at the moment at which it is given out.
"""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass

from sqlalchemy.orm import Session

from services.chassis.vault.place import PLATFORM
from services.chassis.vault.secret import Secret
from services.chassis.vault.vault import Vault


@dataclass(frozen=True)
class Derived:
    """Makes the values of one purpose, and knows its own again."""

    vault: Vault
    purpose: str

    def value(self, db: Session, subject: str) -> str:
        """The value that stands for the subject. The first of all makes a key of the platform's, for which a
        transaction that is confined to a company may be too narrow."""
        mac = self.vault.fingerprint(db.connection(), PLATFORM, self.purpose, Secret(subject))
        return f"{subject}.{_text(mac)}"

    def subject(self, db: Session, value: str) -> str | None:
        """What the value stands for; None if it is not one of ours."""
        subject, _, shown = value.rpartition(".")
        if not subject or not value.isascii():
            return None
        mac = self.vault.known_fingerprint(db.connection(), PLATFORM, self.purpose, Secret(subject))
        if mac is None or not hmac.compare_digest(_text(mac), shown):
            return None
        return subject


def _text(mac: bytes) -> str:
    return base64.urlsafe_b64encode(mac).decode().rstrip("=")

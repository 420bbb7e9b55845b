"""Challenges of WebAuthn: each for one purpose and person, for five minutes, and for one success.

Nobody needs to be known to get one, so nothing is kept of those given out, or anybody could fill the database: a
challenge carries its own time and a MAC. Only those that led somewhere are remembered, until they would be too old.
"""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import Session

from services.chassis.vault.vault import Vault
from services.identity.derived import Derived
from services.identity.oauth import used_values

LIFETIME = timedelta(minutes=5)
REGISTRATION, SIGN_IN, SECOND_STEP = "registration", "sign-in", "second-step"
ANYBODY = "-"
"""Whose a challenge is that was given out before anybody was known."""
_SUBJECT = re.compile(r"([a-z-]+):([a-z0-9-]+):([0-9]{10,12}):[A-Za-z0-9_-]{22}")
_KIND = "passkey-challenge"


class Ceremonies:
    """Gives challenges out and knows them again."""

    def __init__(self, vault: Vault) -> None:
        self._values = Derived(vault, _KIND)

    def begin(self, db: Session, purpose: str, user_id: str, now: datetime) -> str:
        """A challenge for this purpose and person."""
        expires = int((now + LIFETIME).timestamp())
        return self._values.value(db, f"{purpose}:{user_id}:{expires}:{secrets.token_urlsafe(16)}")

    def stands(self, db: Session, purpose: str, user_id: str, challenge: str, now: datetime) -> bool:
        """Whether it was given out for this, and is not too old."""
        found = _SUBJECT.fullmatch(self._values.subject(db, challenge) or "")
        return found is not None and (found[1], found[2]) == (purpose, user_id) and now < _expiry(found[3])

    def spend(self, db: Session, challenge: str, now: datetime) -> bool:
        """Uses a challenge that stands up; False if it was used before. Of several at once one succeeds."""
        return used_values.use(db, _KIND, challenge, now + LIFETIME, now)


def _expiry(seconds: str) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)

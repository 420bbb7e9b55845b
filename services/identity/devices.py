"""Recognised devices (ID9): a browser that signed in to an account before gets in while others keep its login locked.

A browser keeps a token for each account that it was used for, and nothing is kept of it here: `<device>.<day>.<MAC>`,
where the MAC covers the account as well. It lets nobody in. Its failures are counted by themselves, so its owner is not
locked out by those of others, and whoever steals it has no more tries than at any login.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import Session

from services.chassis.names import new_id
from services.chassis.vault.vault import Vault
from services.identity.derived import Derived

LIFETIME = timedelta(days=365)
_SHAPE = re.compile(r"([a-z][a-z2-7]{19})\.([0-9]{8})\.[A-Za-z0-9_-]{43}")


@dataclass(frozen=True)
class Devices:
    """Gives browsers their tokens and knows them again."""

    values: Derived

    @classmethod
    def of(cls, vault: Vault) -> Devices:
        return cls(Derived(vault, "device"))

    def remember(self, db: Session, user_id: str, now: datetime) -> str:
        """A token for a browser in which the person has just signed in."""
        subject = f"{user_id}.{new_id()}.{now.astimezone(UTC):%Y%m%d}"
        return self.values.value(db, subject).removeprefix(f"{user_id}.")

    def recognise(self, db: Session, user_id: str, tokens: Iterable[str], now: datetime) -> str:
        """The id of the device, if one of its tokens is for this account and not too old; otherwise empty."""
        oldest = f"{now.astimezone(UTC) - LIFETIME:%Y%m%d}"
        for token in tokens:
            found = _SHAPE.fullmatch(token)
            if found and self.values.subject(db, f"{user_id}.{token}") and found[2] >= oldest:
                return found[1]
        return ""

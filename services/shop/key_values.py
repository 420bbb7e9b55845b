"""The values of keys, opened: what signs and verifies inside this process."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from services.chassis.vault.secret import Secret

if TYPE_CHECKING:
    from services.shop.keys import KeyKind


@dataclass(frozen=True)
class KeyValue:
    """One value of a key. `retire_time`: None of the current one; in the past, it is no longer valid."""

    kind: KeyKind
    generation: int
    check_value: str
    retire_time: datetime | None
    secret: Secret
    counted: int
    """The generation under which its uses are counted."""

    def is_live(self, now: datetime) -> bool:
        """Whether it is valid at this time."""
        return self.retire_time is None or now < self.retire_time

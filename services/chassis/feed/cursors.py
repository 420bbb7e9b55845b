"""Where a watcher stands in the log, as a value and as the sealed text that it is handed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from services.chassis.changes.tokens import Tokens
from services.chassis.errors import Invalid

Key = tuple[int, str, int]
"""Position, scope and sequence of a change: the one order in which all changes are told."""


@dataclass(frozen=True)
class Snapshot:
    """Which transactions a snapshot held, as PostgreSQL writes it: `xmin:xmax:running,running`."""

    text: str

    @cached_property
    def _parts(self) -> tuple[int, int, frozenset[int]]:
        xmin, xmax, running = self.text.split(":")
        return int(xmin), int(xmax), frozenset(int(each) for each in running.split(",") if each)

    @property
    def xmin(self) -> int:
        """Every transaction below was over."""
        return self._parts[0]

    @property
    def xmax(self) -> int:
        """No transaction from here on had begun."""
        return self._parts[1]

    def holds(self, transaction: int) -> bool:
        """Whether what the transaction did is in the snapshot."""
        xmin, xmax, running = self._parts
        return transaction < xmin or (transaction < xmax and transaction not in running)


@dataclass(frozen=True)
class Cursor:
    """Everything up to `key` was told, and whatever beyond it the snapshot held."""

    epoch: str
    key: Key
    snapshot: Snapshot | None = None

    def moved(self, key: Key) -> Cursor:
        """The cursor further on; the snapshot is forgotten once nothing beyond can be in it."""
        snapshot = self.snapshot if self.snapshot is not None and key[0] < self.snapshot.xmax else None
        return Cursor(self.epoch, key, snapshot)

    def told(self, transaction: int) -> bool:
        """Whether a change beyond the key was in the snapshot already."""
        return self.snapshot is not None and self.snapshot.holds(transaction)

    def seal(self, tokens: Tokens, binding: str) -> str:
        snapshot = self.snapshot.text if self.snapshot else ""
        return tokens.seal("cursor", binding, [self.epoch, *self.key, snapshot])


def open_cursor(tokens: Tokens, binding: str, text: str) -> Cursor:
    """The cursor, or a refusal: it is another service's, caller's or filter's, was cut, or was never ours."""
    values = tokens.open("cursor", binding, text)
    if values is None:
        raise Invalid.field(
            "cursor", "cursor", "is no cursor that this service gave this caller for these types and company"
        )
    epoch, position, scope, sequence, snapshot = values
    return Cursor(epoch, (position, scope, sequence), Snapshot(snapshot) if snapshot else None)

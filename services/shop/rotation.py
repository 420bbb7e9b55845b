"""How values of a key follow each other: rotation, overlap, and taking it back (SH12).

A former value may stay valid beside the new one for up to seven days, so that each integration switches when it can.
There are never more than two: a further rotation waits for the end of the overlap, or is forced and ends it.
"""

from __future__ import annotations

import string
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from services.chassis.errors import Invalid, Precondition
from services.chassis.vault.secret import Secret
from services.shop import go_live, key_deadlines, keys, letters
from services.shop.keys import FORM, PRODUCTION, TEST, KeyKind, KeyRing, KeyRow, KeyValueRow
from services.shop.letters import Letters
from services.shop.shops import ShopRow, require_open, require_production

LONGEST = timedelta(days=7)
OF_PRODUCTION = timedelta(hours=24)
"""How long a former production value stays valid, unless something else is asked for."""
AT_ONCE = timedelta(0)


@dataclass(frozen=True)
class Manner:
    """How the former value goes. `force` ends an overlap that still runs."""

    overlap: timedelta = AT_ONCE
    force: bool = False


@dataclass(frozen=True)
class Rotation:
    """Gives keys of one shop new values. `shop` is locked, so that first values do not meet."""

    ring: KeyRing
    letters: Letters
    db: Session
    shop: ShopRow
    now: datetime

    def regenerate(self, kind: KeyKind, manner: Manner, *, numeric: bool) -> KeyRow:
        """Replaces a test key."""
        if kind.environment != TEST:
            raise Precondition("Only test keys are regenerated here.", reason="NOT_A_TEST_KEY")
        require_open(self.shop)
        return self._put(kind, self._fresh(kind, numeric), manner)

    def generate(self, kind: KeyKind, manner: Manner, *, numeric: bool) -> KeyRow:
        """Makes a production key, the first or a new one."""
        if kind.environment != PRODUCTION:
            raise Precondition("Only production keys are generated here.", reason="NOT_A_PRODUCTION_KEY")
        require_production(self.shop)
        return self._put(kind, self._fresh(kind, numeric), manner)

    def bring(self, kind: KeyKind, value: str, manner: Manner) -> KeyRow:
        """Sets a key to a value from elsewhere. With a production key the shop was in production there, and is here."""
        require_open(self.shop)
        if not kind.accepts(value, self.shop.shop_id):
            raise Invalid.field("value", "key_format", f"is not in the format of {kind.key_id} keys")
        row = self._put(kind, Secret(value), manner)
        if kind.environment == PRODUCTION:
            go_live.make_ready(self.db, self.letters, self.shop, self.now)
        return row

    def extend(self, kind: KeyKind, until: datetime) -> KeyRow:
        """Sets when the former value stops being valid."""
        require_open(self.shop)
        row, _, former = self._overlapping(kind)
        if not self.now < until <= self.now + LONGEST:
            raise Invalid.field(
                "expire_time", "within_seven_days", "must be later than now, within seven days"
            )
        row.former_until = former.retire_time = _earlier(until, former.expire_time)
        return self._planned(row)

    def finish(self, kind: KeyKind) -> KeyRow:
        """Ends the overlap."""
        row, _, former = self._overlapping(kind)
        former.retire_time, row.former_until = self.now, None
        return self._planned(row)

    def undo(self, kind: KeyKind) -> KeyRow:
        """Makes the former value the present one again: sealed anew, as no place is ever used twice."""
        require_open(self.shop)
        row, present, former = self._overlapping(kind)
        present.retire_time, row.former_until = self.now, None
        present.expire_time, row.expire_time = row.expire_time, former.expire_time
        secret, generated, counted = self.ring.open(self.db, former), former.generate_time, former.counted
        self.db.delete(former)
        # Its uses go on to be counted where they were: some processes have yet to write what they counted.
        self.ring.add(self.db, row, kind, secret, self.now, counted)
        row.generate_time = generated
        self.letters.of_key(self.db, letters.ROTATION_UNDONE, row, self.now)
        return self._planned(row)

    def _put(self, kind: KeyKind, secret: Secret, manner: Manner) -> KeyRow:
        row = keys.find(self.db, self.shop.shop_id, kind, for_update=True)
        if row is None:
            row = keys.new(self.db, self.shop.company, self.shop.shop_id, kind, self.now)
        else:
            self._retire(row, manner)
        occasion = letters.KEY_REPLACED if row.generation else letters.KEY_GENERATED
        self.ring.add(self.db, row, kind, secret, self.now)
        self.letters.of_key(self.db, occasion, row, self.now)
        return self._planned(row)

    def _retire(self, row: KeyRow, manner: Manner) -> None:
        present, *before = keys.values_of(self.db, row)
        if row.overlaps(self.now) and not manner.force:
            raise Precondition(
                "The value before is still valid: wait, end its overlap, or set 'force'.",
                reason="OVERLAP_RUNNING",
            )
        for value in before:
            if value.retire_time is not None and value.retire_time > self.now:
                value.retire_time = _earlier(self.now, row.expire_time)
        end = _earlier(self.now + manner.overlap, row.expire_time)
        present.retire_time, present.expire_time = end, row.expire_time
        row.former_until = end if end > self.now else None
        row.former_count += 1
        row.expire_time = row.ended_time = None

    def _overlapping(self, kind: KeyKind) -> tuple[KeyRow, KeyValueRow, KeyValueRow]:
        row = keys.find(self.db, self.shop.shop_id, kind, for_update=True)
        if row is None or not row.overlaps(self.now):
            raise Precondition("No former value of this key is valid.", reason="NO_OVERLAP")
        present, former, *_ = keys.values_of(self.db, row)
        return row, present, former

    def _planned(self, row: KeyRow) -> KeyRow:
        self.db.flush()
        key_deadlines.forget(self.db, row, self.now)
        key_deadlines.plan(self.db, row, self.now)
        return row

    def _fresh(self, kind: KeyKind, numeric: bool) -> Secret:
        if numeric and kind.use != FORM:
            raise Invalid.field("format", "key_format", "only form keys can be numeric")
        shop_id = self.shop.shop_id
        return Secret(kind.generate(shop_id, string.digits) if numeric else kind.generate(shop_id))


def _earlier(time: datetime, other: datetime | None) -> datetime:
    return time if other is None else min(time, other)

"""Kept replies: sealed, one a key, found until they expire and swept some at a time by later writes."""

from __future__ import annotations

import json
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Self

from sqlalchemy import Table, delete, func, select
from sqlalchemy.dialects.postgresql import insert as upsert

from services.chassis.changes.log import Revision
from services.chassis.db.tenancy import ScopedSession
from services.chassis.vault.place import PLATFORM, Place
from services.chassis.vault.secret import Secret
from services.chassis.vault.vault import Vault

_SWEPT_AT_ONCE = 20
_BODY_BYTES = 32


@dataclass(frozen=True)
class Reply:
    """What a write was answered."""

    body: bytes
    """SHA-256 of the request that it answers."""
    revision: Revision | None
    message: bytes

    def to_secret(self) -> Secret:
        revision = json.dumps(astuple(self.revision) if self.revision else None).encode()
        return Secret(b"".join((self.body, len(revision).to_bytes(4, "big"), revision, self.message)))

    @classmethod
    def from_secret(cls, secret: Secret) -> Self:
        known = secret.reveal()
        start = _BODY_BYTES + 4
        end = start + int.from_bytes(known[_BODY_BYTES:start], "big")
        revision = json.loads(known[start:end])
        return cls(known[:_BODY_BYTES], Revision(*revision) if revision else None, known[end:])


@dataclass(frozen=True)
class Replies:
    """The kept replies of one service. Every function works inside the call's transaction."""

    service: str
    table: Table
    vault: Vault

    def hold(self, db: ScopedSession, digest: bytes) -> bool:
        """Keeps others with the same key out until the transaction ends; False if one of them is at it already."""
        number = int.from_bytes(digest[:8], "big", signed=True)
        return bool(db.scalar(select(func.pg_try_advisory_xact_lock(number))))

    def find(self, db: ScopedSession, digest: bytes, now: datetime) -> Reply | None:
        """The reply kept for the key. Only after `hold`, and in a statement of its own: one statement sees what was
        committed before it began, and not what was committed while it waited for its turn."""
        table = self.table
        query = select(table.c.sealed).where(table.c.digest == digest, table.c.expire_time > now)
        sealed = db.scalars(query).one_or_none()
        if sealed is None:
            return None
        place = self._place(db.scope.owner, digest)
        return Reply.from_secret(self.vault.open(db.connection(), place, bytes(sealed)))

    def make_ready(self, db: ScopedSession, now: datetime) -> None:
        """Sweeps, and sees to what `keep` could not do any more."""
        expired = select(self.table.c.digest).where(self.table.c.expire_time <= now)
        chosen = expired.limit(_SWEPT_AT_ONCE).with_for_update(skip_locked=True)
        db.execute(delete(self.table).where(self.table.c.digest.in_(chosen)))
        if db.scope.owner == PLATFORM:
            # The handler may enter a company or a person, under whom the platform's key can be used but not made.
            self.vault.make_ready(db.connection(), PLATFORM)

    def keep(self, db: ScopedSession, owner: str, digest: bytes, reply: Reply, expire_time: datetime) -> None:
        """Keeps the reply of the call, which began in the scope of this owner: it will be looked for there again."""
        sealed = self.vault.seal(db.connection(), self._place(owner, digest), reply.to_secret())
        kept = upsert(self.table).values(digest=digest, sealed=sealed, expire_time=expire_time)
        # An expired one may still lie there, if there were more than are swept at once.
        db.execute(
            kept.on_conflict_do_update(
                index_elements=["digest"], set_={"sealed": sealed, "expire_time": expire_time}
            )
        )

    def _place(self, owner: str, digest: bytes) -> Place:
        return Place(
            service=self.service,
            company=owner,
            table=self.table.name,
            column="sealed",
            row=digest.hex(),
            kind="reply",
            environment="-",
        )

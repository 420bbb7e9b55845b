"""Recovery codes: ten, each good once, for when no other factor is at hand. Shown when made, and never again.

What is kept of a code is its MAC under the person's own key, so that a copied database opens nothing. All of a
person's are one row: whoever uses one holds it, so that of many who send the same at once one is let in.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ARRAY, ForeignKeyConstraint, LargeBinary, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from services.chassis.changes.recorder import Recorded
from services.chassis.contract import PATTERNS
from services.chassis.db.rows import PersonRow
from services.chassis.vault.secret import Secret
from services.chassis.vault.vault import Vault
from services.identity import users
from services.identity.factors.totp import owner_of
from services.identity.rows import Base

NAME = PATTERNS["comptoir.identity/RecoveryCodes"]
MADE = 10
LONGEST = 64
"""More than anybody types for a code."""
_LENGTH, _GROUP = 16, 4
"""79 bits, so that guessing is hopeless even where tries were not counted."""
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""No letter that is taken for a digit."""
_PURPOSE = "recovery-code"


class RecoveryRow(PersonRow, Base):
    """What is kept of a person's codes."""

    __tablename__ = "recovery_codes"
    __recorded__ = Recorded("comptoir.identity/RecoveryCodes", secret=frozenset({"digests"}))
    __table_args__ = (
        ForeignKeyConstraint(["user_id"], ["users.user_id"], ondelete="CASCADE"),
        PersonRow.__table_args__,
    )

    digests: Mapped[list[bytes]] = mapped_column(ARRAY(LargeBinary))
    remaining: Mapped[int]
    create_time: Mapped[datetime]

    @property
    def name(self) -> str:
        return NAME.format({"user": self.user_id})

    @property
    def history(self) -> str:
        return users.NAME.format({"user": self.user_id})


@dataclass(frozen=True)
class Recovery:
    """Makes codes and takes them."""

    vault: Vault

    def make(self, db: Session, user_id: str, now: datetime) -> list[str]:
        """New codes, instead of all former ones."""
        codes = [_new_code() for _ in range(MADE)]
        row = find(db, user_id, for_update=True)
        if row is None:
            row = RecoveryRow(user_id=user_id)
            db.add(row)
        row.digests = [self._digest(db, user_id, code) for code in codes]
        row.remaining, row.create_time = MADE, now
        db.flush()
        return codes

    def accept(self, db: Session, row: RecoveryRow, code: str) -> bool:
        """Whether the code is one of those that are left; it is used up hereby. The row is held."""
        shown = self._digest(db, row.user_id, code[:LONGEST])
        left = [kept for kept in row.digests if not hmac.compare_digest(kept, shown)]
        if len(left) == len(row.digests):
            return False
        row.digests, row.remaining = left, len(left)
        return True

    def _digest(self, db: Session, user_id: str, code: str) -> bytes:
        return self.vault.fingerprint(db.connection(), owner_of(user_id), _PURPOSE, Secret(_plain(code)))


def find(db: Session, user_id: str, *, for_update: bool = False) -> RecoveryRow | None:
    """What is kept of the person's codes."""
    query = select(RecoveryRow).where(RecoveryRow.user_id == user_id)
    if for_update:
        query = query.with_for_update()
    return db.scalars(query, execution_options={"populate_existing": True}).one_or_none()


def _new_code() -> str:
    letters = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
    return "-".join(_groups(letters))


def _groups(letters: str) -> Sequence[str]:
    return [letters[at : at + _GROUP] for at in range(0, len(letters), _GROUP)]


def _plain(code: str) -> str:
    """The code without what people type between its letters."""
    return "".join(letter for letter in code.lower() if letter.isalnum())

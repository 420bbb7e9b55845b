"""Taking factors away: by the person, within the rule of `held`, or by customer service for somebody who has none left.

Recovery codes stand in for other factors, so they go with the last of these.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from services.chassis.authorize import unknown
from services.identity import passwords, sessions, users
from services.identity.factors import held, passkeys, recovery, totp
from services.identity.factors.passkeys import PasskeyRow
from services.identity.factors.totp import TotpRow
from services.identity.mail.mails import Mails


@dataclass(frozen=True)
class Removing:
    """Takes factors away."""

    mails: Mails

    def totp(self, db: Session, user_id: str, name: str, now: datetime) -> None:
        """The authenticator application, confirmed or not."""
        passwords.hold(db, user_id)
        row = totp.find(db, user_id, for_update=True)
        if row is None:
            raise unknown(name)
        self._one(db, row, held.TOTP, row.confirm_time is not None, now)

    def passkey(self, db: Session, user_id: str, passkey_id: str, name: str, now: datetime) -> None:
        """One passkey."""
        passwords.hold(db, user_id)
        row = passkeys.find(db, user_id, passkey_id)
        if row is None:
            raise unknown(name)
        self._one(db, row, held.PASSKEY, True, now)

    def all(self, db: Session, user_id: str, now: datetime) -> None:
        """Every factor, and every session: whoever is signed in may be the one who should not be."""
        users.find(db, user_id)
        passwords.hold(db, user_id)
        for row in (totp.find(db, user_id), recovery.find(db, user_id), *passkeys.listed(db, user_id)):
            if row is not None:
                db.delete(row)
        sessions.end_others(db, user_id, "", now)
        self.mails.factors_reset(db, user_id, now)

    def _one(self, db: Session, row: TotpRow | PasskeyRow, factor: str, counted: bool, now: datetime) -> None:
        db.delete(row)
        db.flush()
        if not counted:
            return
        if not held.has_second_factor(db, row.user_id):
            held.may_go_without(db, row.user_id)
            codes = recovery.find(db, row.user_id, for_update=True)
            if codes is not None:
                db.delete(codes)
        self.mails.factor_removed(db, row.user_id, factor, now)

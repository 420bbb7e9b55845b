"""Adding factors: a secret that is confirmed by its first code, a passkey that the browser just made.

The first factor brings the recovery codes and ends the person's other sessions, as those were opened without it. The
session in which it was added has just seen it, so it goes on as one with two factors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from services.chassis.authorize import unknown
from services.chassis.errors import Exists, Invalid, Precondition
from services.chassis.names import new_id
from services.identity import passwords, sessions, users
from services.identity.factors import held, passkeys, recovery, totp
from services.identity.factors.ceremonies import REGISTRATION, Ceremonies
from services.identity.factors.passkeys import NotVerified, PasskeyRow, RelyingParty
from services.identity.factors.recovery import Recovery, RecoveryRow
from services.identity.factors.totp import CONFIRMED_WITHIN, Enrolment, TotpRow, Totps
from services.identity.mail.mails import Mails
from services.identity.sessions import SEVERAL

OTP, VERIFIED = "otp", "user"
"""Methods of RFC 8176: a code, a gesture at an authenticator."""


@dataclass(frozen=True)
class Enrolling:
    """Adds factors, in the session of the person who does so.

    Factors of one person change one after the other, and not while they sign in: both hold the password.
    """

    totps: Totps
    relying_party: RelyingParty
    ceremonies: Ceremonies
    recovery: Recovery
    mails: Mails

    def begin_totp(self, db: Session, user_id: str, now: datetime) -> Enrolment:
        """A secret to put into an authenticator application; another one than any before."""
        passwords.hold(db, user_id)
        person = users.find(db, user_id)
        return self.totps.enrol(db, self._unconfirmed(db, user_id), person, now)

    def go_on_with_totp(self, db: Session, user_id: str, now: datetime) -> Enrolment:
        """The secret that waits for its code, or a new one: a page that is shown again shows the same."""
        passwords.hold(db, user_id)
        person = users.find(db, user_id)
        row = self._unconfirmed(db, user_id)
        if row is None or now > row.create_time + CONFIRMED_WITHIN / 2:
            return self.totps.enrol(db, row, person, now)
        return self.totps.shown(db, row, person)

    def _unconfirmed(self, db: Session, user_id: str) -> TotpRow | None:
        row = totp.find(db, user_id)
        if row is not None and row.confirm_time is not None:
            raise Exists("Take the authenticator application away first.", reason="TOTP_EXISTS")
        return row

    def confirm_totp(
        self, db: Session, user_id: str, session_id: str, code: str, now: datetime
    ) -> tuple[TotpRow, list[str]]:
        """Makes the secret count; with it the recovery codes, if it is the first factor."""
        passwords.hold(db, user_id)
        row = totp.find(db, user_id, for_update=True)
        if row is None or row.confirm_time is not None or now > row.create_time + CONFIRMED_WITHIN:
            raise Precondition("There is no new secret that a code could confirm.", reason="TOTP_NOT_BEGUN")
        if not self.totps.accept(db, row, code, now):
            raise Invalid.field("code", "totp_code", "is not the code that the application shows now")

        def count() -> None:
            row.confirm_time = now

        return row, self._add(db, user_id, session_id, held.TOTP, (OTP,), count, now)

    def begin_passkey(self, db: Session, user_id: str, now: datetime) -> tuple[str, str]:
        """A challenge, and the options for the browser that hold it."""
        person = users.find(db, user_id)
        challenge = self.ceremonies.begin(db, REGISTRATION, user_id, now)
        known = passkeys.listed(db, user_id)
        return challenge, self.relying_party.creation(challenge, person, known)

    def add_passkey(
        self,
        db: Session,
        user_id: str,
        session_id: str,
        display_name: str,
        challenge: str,
        credential_json: str,
        now: datetime,
    ) -> tuple[PasskeyRow, list[str]]:
        """Keeps what the browser made; with it the recovery codes, if it is the first factor."""
        passwords.hold(db, user_id)
        row = self._made(db, user_id, challenge, credential_json, now)
        row.display_name = display_name
        known = passkeys.listed(db, user_id)
        if any(each.credential_id == row.credential_id for each in known):
            raise Exists("This passkey is yours already.", reason="PASSKEY_EXISTS")
        if len(known) >= passkeys.MOST:
            raise Precondition(
                f"{passkeys.MOST} passkeys are the most: take one away first.", reason="TOO_MANY_PASSKEYS"
            )
        methods = (row.method, VERIFIED)
        return row, self._add(db, user_id, session_id, held.PASSKEY, methods, lambda: db.add(row), now)

    def renew_recovery(
        self, db: Session, user_id: str, name: str, now: datetime
    ) -> tuple[RecoveryRow, list[str]]:
        """New recovery codes, for those who had some."""
        row = recovery.find(db, user_id, for_update=True)
        if row is None:
            raise unknown(name)
        return row, self.recovery.make(db, user_id, now)

    def _made(
        self, db: Session, user_id: str, challenge: str, credential_json: str, now: datetime
    ) -> PasskeyRow:
        try:
            if not self.ceremonies.stands(db, REGISTRATION, user_id, challenge, now):
                raise NotVerified
            found = self.relying_party.registered(credential_json, challenge)
            if not self.ceremonies.spend(db, challenge, now):
                raise NotVerified
        except NotVerified:
            raise Invalid.field(
                "credential_json", "webauthn", "is not what an authenticator made for this challenge"
            ) from None
        return PasskeyRow(
            user_id=user_id,
            passkey_id=new_id(),
            credential_id=found.credential_id,
            public_key=found.credential_public_key,
            device_bound=passkeys.is_device_bound(found),
            transports=passkeys.transports_of(credential_json),
            sign_count=found.sign_count,
            create_time=now,
        )

    def _add(
        self,
        db: Session,
        user_id: str,
        session_id: str,
        factor: str,
        methods: Sequence[str],
        count: Callable[[], None],
        now: datetime,
    ) -> list[str]:
        first = not held.has_second_factor(db, user_id)
        count()
        db.flush()
        self.mails.factor_added(db, user_id, factor, now)
        sessions.strengthen(db, session_id, (*methods, SEVERAL))
        if not first:
            return []
        sessions.end_others(db, user_id, session_id, now)
        return self.recovery.make(db, user_id, now)

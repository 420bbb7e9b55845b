"""Judging a second factor, or a passkey that stands for both; what was shown is told in methods of RFC 8176."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from services.chassis.errors import Unauthenticated
from services.chassis.names import new_id
from services.chassis.rpc.call import Call
from services.identity import bearers
from services.identity.attempts import CODES, Attempts
from services.identity.factors import challenges, passkeys, recovery, totp
from services.identity.factors.ceremonies import ANYBODY, SECOND_STEP, SIGN_IN, Ceremonies
from services.identity.factors.challenges import TRIES, ChallengeRow, Challenges
from services.identity.factors.enrolling import OTP, VERIFIED
from services.identity.factors.passkeys import NotVerified, RelyingParty
from services.identity.factors.recovery import Recovery
from services.identity.factors.totp import Totps
from services.identity.mail.mails import Mails
from services.identity.sessions import PASSWORD, SEVERAL


@dataclass(frozen=True)
class Options:
    """What a browser asks an authenticator with."""

    challenge: str
    json: str


@dataclass(frozen=True)
class Waiting:
    """What may answer a challenge."""

    totp: bool
    recovery_codes: bool
    passkey: Options | None


@dataclass(frozen=True)
class SecondStep:
    """Takes what people prove with who they are, beside or instead of the password."""

    challenges: Challenges
    attempts: Attempts
    totps: Totps
    relying_party: RelyingParty
    ceremonies: Ceremonies
    recovery: Recovery
    mails: Mails

    def show(self, call: Call, value: str) -> Waiting:
        """What may answer the challenge; the call is its person's from here on."""
        user_id = bearers.owner(call.db, bearers.CHALLENGE, value)
        if user_id is None:
            raise challenges.ended()
        # Before the call is confined: the first challenge of all makes a key of the platform's.
        fresh = self.ceremonies.begin(call.db, SECOND_STEP, user_id, call.now)
        call.enter(user=user_id)
        if challenges.find(call.db, value, call.now).tries >= TRIES:
            raise challenges.ended()
        application, codes = totp.find(call.db, user_id), recovery.find(call.db, user_id)
        known = passkeys.listed(call.db, user_id)
        return Waiting(
            totp=application is not None and application.confirm_time is not None,
            recovery_codes=codes is not None and codes.remaining > 0,
            passkey=Options(fresh, self.relying_party.request(fresh, known)) if known else None,
        )

    def by_totp(self, call: Call, value: str, code: str) -> tuple[ChallengeRow, Sequence[str]]:
        """Answers a challenge with a code of the authenticator application."""
        row = self._begun(call, value, guessable=True)
        application = totp.find(call.db, call.user, for_update=True)
        if application is None or application.confirm_time is None:
            raise refused()
        if not self.totps.accept(call.db, application, _digits(code), call.now):
            raise refused()
        self.attempts.take_back(CODES, call.user)
        return self._done(call.db, value, row), (PASSWORD, OTP, SEVERAL)

    def by_recovery_code(self, call: Call, value: str, code: str) -> tuple[ChallengeRow, Sequence[str]]:
        """Answers a challenge with a recovery code, which is used up; the person is told."""
        row = self._begun(call, value, guessable=True)
        codes = recovery.find(call.db, call.user, for_update=True)
        if codes is None or not self.recovery.accept(call.db, codes, code):
            raise refused()
        self.attempts.take_back(CODES, call.user)
        self.mails.recovery_code_used(call.db, call.user, codes.remaining, call.now)
        return self._done(call.db, value, row), (PASSWORD, OTP, SEVERAL)

    def by_passkey(
        self, call: Call, value: str, challenge: str, credential_json: str
    ) -> tuple[ChallengeRow, Sequence[str]]:
        """Answers a challenge with a passkey."""
        row = self._begun(call, value, guessable=False)
        method = self._assert(
            call.db, SECOND_STEP, call.user, call.user, challenge, credential_json, call.now
        )
        return self._done(call.db, value, row), (PASSWORD, method, VERIFIED, SEVERAL)

    def begin_passkey(self, call: Call) -> Options:
        """Options for whoever comes with a passkey alone."""
        challenge = self.ceremonies.begin(call.db, SIGN_IN, ANYBODY, call.now)
        return Options(challenge, self.relying_party.request(challenge))

    def passkey_alone(self, call: Call, challenge: str, credential_json: str) -> Sequence[str]:
        """Signs in without a password; the call is confined to whoever the passkey is of."""
        user_id = _holder(credential_json)
        call.enter(user=user_id)
        method = self._assert(call.db, SIGN_IN, ANYBODY, user_id, challenge, credential_json, call.now)
        return (method, VERIFIED, SEVERAL)

    def _begun(self, call: Call, value: str, *, guessable: bool) -> ChallengeRow:
        call.enter(user=self.challenges.count(value, call.now, guessable=guessable))
        return challenges.find(call.db, value, call.now, for_update=True)

    def _done(self, db: Session, value: str, row: ChallengeRow) -> ChallengeRow:
        db.flush()
        bearers.forget(db, bearers.CHALLENGE, value)
        return row

    def _assert(
        self,
        db: Session,
        purpose: str,
        subject: str,
        user_id: str,
        challenge: str,
        credential_json: str,
        now: datetime,
    ) -> str:
        """The method that a passkey of the person is; its use is counted."""
        try:
            credential = passkeys.parsed(credential_json)
            if not self.ceremonies.stands(db, purpose, subject, challenge, now):
                raise NotVerified
            row = passkeys.hold(db, user_id, credential.raw_id)
            if row is None:
                raise NotVerified
            found = self.relying_party.asserted(credential, challenge, row)
            if not self.ceremonies.spend(db, challenge, now):
                raise NotVerified
        except NotVerified:
            raise refused() from None
        row.sign_count, row.use_time = found.new_sign_count, now
        return row.method


def refused() -> Unauthenticated:
    """One answer for every factor that proves nothing."""
    return Unauthenticated("That is not right, or was used before.", reason="PROOF_REFUSED")


def _digits(code: str) -> str:
    """The code without the blanks that applications show in it."""
    return "".join(code.split())


def _holder(credential_json: str) -> str:
    """Whose the authenticator says the passkey is; its signature will tell whether that is so."""
    try:
        handle = passkeys.parsed(credential_json).response.user_handle or b""
        user_id = handle.decode("ascii")
    except (NotVerified, UnicodeDecodeError):
        raise refused() from None
    # An id of ours and nothing else confines a call.
    if len(user_id) != len(new_id()) or not user_id.isalnum():
        raise refused()
    return user_id

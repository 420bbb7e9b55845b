"""`comptoir.identity.v1.EnrolmentService` on the wire: factors of whoever is signed in at the gateway."""

from __future__ import annotations

from dataclasses import dataclass

from comptoir.identity.v1 import enrolment_pb2, session_pb2
from services.chassis.authorize import FRESH, proof_too_old
from services.chassis.errors import Precondition
from services.chassis.rpc.call import Call
from services.chassis.tokens import TWO_FACTORS
from services.identity import sessions
from services.identity.api.factors import shown_passkey, shown_totp
from services.identity.factors import held, passkeys, recovery, totp
from services.identity.factors.enrolling import Enrolling
from services.identity.factors.removing import Removing
from services.identity.sessions import SessionRow

_UNNAMED = "Passkey"


@dataclass(frozen=True)
class EnrolmentApi:
    """`comptoir.identity.v1.EnrolmentService`."""

    enrolling: Enrolling
    removing: Removing

    def begin_enrolment(
        self, request: enrolment_pb2.BeginEnrolmentRequest, call: Call
    ) -> enrolment_pb2.BeginEnrolmentResponse:
        person = _entered(call, request.session_token).user_id
        challenge, options = self.enrolling.begin_passkey(call.db, person, call.now)
        offer = enrolment_pb2.BeginEnrolmentResponse(
            passkey=session_pb2.PasskeyOptions(challenge=challenge, options_json=options)
        )
        if totp.confirmed(call.db, person) is None:
            made = self.enrolling.go_on_with_totp(call.db, person, call.now)
            offer.secret, offer.qr_svg = made.secret, made.picture()
        return offer

    def finish_enrolment(
        self, request: enrolment_pb2.FinishEnrolmentRequest, call: Call
    ) -> enrolment_pb2.FinishEnrolmentResponse:
        session, enrolling = _entered(call, request.session_token), self.enrolling
        whose = (call.db, session.user_id, session.session_id)
        if request.HasField("passkey"):
            name, shown = request.display_name or _UNNAMED, request.passkey
            _, codes = enrolling.add_passkey(*whose, name, shown.challenge, shown.credential_json, call.now)
        else:
            _, codes = enrolling.confirm_totp(*whose, "".join(request.totp_code.split()), call.now)
        return enrolment_pb2.FinishEnrolmentResponse(recovery_codes=codes)

    def show_factors(
        self, request: enrolment_pb2.ShowFactorsRequest, call: Call
    ) -> enrolment_pb2.ShownFactors:
        person = _entered(call, request.session_token).user_id
        application, codes = totp.confirmed(call.db, person), recovery.find(call.db, person)
        return enrolment_pb2.ShownFactors(
            totp=shown_totp(application) if application else None,
            passkeys=map(shown_passkey, passkeys.listed(call.db, person)),
            recovery_codes=codes.remaining if codes else 0,
        )

    def remove_factor(
        self, request: enrolment_pb2.RemoveFactorRequest, call: Call
    ) -> enrolment_pb2.RemoveFactorResponse:
        person = _entered(call, request.session_token).user_id
        if request.totp:
            name = totp.NAME.format({"user": person})
            self.removing.totp(call.db, person, name, call.now)
        else:
            name = passkeys.NAME.format({"user": person, "passkey": request.passkey_id})
            self.removing.passkey(call.db, person, request.passkey_id, name, call.now)
        return enrolment_pb2.RemoveFactorResponse()

    def renew_recovery_codes(
        self, request: enrolment_pb2.RenewRecoveryCodesRequest, call: Call
    ) -> enrolment_pb2.RenewRecoveryCodesResponse:
        person = _entered(call, request.session_token).user_id
        name = recovery.NAME.format({"user": person})
        _, codes = self.enrolling.renew_recovery(call.db, person, name, call.now)
        return enrolment_pb2.RenewRecoveryCodesResponse(codes=codes)


def _entered(call: Call, token: str) -> SessionRow:
    """The session, if its person has just proved as much as they can."""
    row = sessions.enter(call, token)
    if call.now - row.authenticate_time > FRESH:
        raise proof_too_old(row.level)
    if row.level != TWO_FACTORS and held.has_second_factor(call.db, row.user_id):
        raise Precondition("You have a second factor: show it first.", reason="SECOND_FACTOR_EXISTS")
    return row

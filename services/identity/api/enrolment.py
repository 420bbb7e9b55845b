"""`comptoir.identity.v1.EnrolmentService` on the wire: the first factor of whoever is signed in at the gateway."""

from __future__ import annotations

from dataclasses import dataclass

from comptoir.identity.v1 import enrolment_pb2, session_pb2
from services.chassis.authorize import FRESH, proof_too_old
from services.chassis.errors import Precondition
from services.chassis.rpc.call import Call
from services.identity import sessions
from services.identity.factors import held
from services.identity.factors.enrolling import Enrolling
from services.identity.sessions import SessionRow

_UNNAMED = "Passkey"


@dataclass(frozen=True)
class EnrolmentApi:
    """`comptoir.identity.v1.EnrolmentService`."""

    enrolling: Enrolling

    def begin_enrolment(
        self, request: enrolment_pb2.BeginEnrolmentRequest, call: Call
    ) -> enrolment_pb2.BeginEnrolmentResponse:
        person = _entered(call, request.session_token).user_id
        made = self.enrolling.go_on_with_totp(call.db, person, call.now)
        challenge, options = self.enrolling.begin_passkey(call.db, person, call.now)
        return enrolment_pb2.BeginEnrolmentResponse(
            secret=made.secret,
            qr_svg=made.picture(),
            passkey=session_pb2.PasskeyOptions(challenge=challenge, options_json=options),
        )

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


def _entered(call: Call, token: str) -> SessionRow:
    """The session, if it may add a first factor."""
    row = sessions.enter(call, token)
    if call.now - row.authenticate_time > FRESH:
        raise proof_too_old(row.level)
    if held.has_second_factor(call.db, row.user_id):
        raise Precondition("You have a second factor already.", reason="SECOND_FACTOR_EXISTS")
    return row

"""Sign-in and sessions on the wire (ID1, ID9, ID10)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from comptoir.identity.v1 import session_pb2
from services.chassis.rpc.call import Call
from services.identity import bearers, memberships, sessions, users
from services.identity.api.memberships import membership
from services.identity.factors import held
from services.identity.factors.second_step import Options, SecondStep
from services.identity.renewal import Renewal
from services.identity.sessions import SessionRow
from services.identity.sign_in import SignIn
from services.identity.users import UserRow

Opening = (
    session_pb2.StartSessionRequest
    | session_pb2.AnswerChallengeRequest
    | session_pb2.FinishPasskeySignInRequest
)


@dataclass(frozen=True)
class SessionApi:
    """`comptoir.identity.v1.SessionService`."""

    sign_in: SignIn
    second_step: SecondStep
    renewal: Renewal

    def start_session(
        self, request: session_pb2.StartSessionRequest, call: Call
    ) -> session_pb2.StartSessionResponse:
        source, shown = request.source_address, request.device_tokens
        password, device = self.sign_in.check(call, request.login, request.password, source, shown)
        known = "" if device else self.sign_in.devices.remember(call.db, call.user, call.now)
        # The password is held, so that no factor is added before the session is there.
        person, has_second_factor = held.account(call.db, call.user)
        if has_second_factor:
            bearers.sweep(call.db, call.now)
            begin = self.second_step.challenges.begin
            token = begin(call.db, person.user_id, request.language_code, call.now)
            return session_pb2.StartSessionResponse(challenge_token=token, device_token=known)
        if link := self.renewal.link(call, person, password):
            return session_pb2.StartSessionResponse(password_link=link, device_token=known)
        opened = _opened(call, request, person, (sessions.PASSWORD,), request.language_code)
        opened.device_token = known
        return opened

    def show_challenge(self, request: session_pb2.ShowChallengeRequest, call: Call) -> session_pb2.Challenge:
        waiting = self.second_step.show(call, request.challenge_token)
        return session_pb2.Challenge(
            language_code=users.find(call.db, call.user).language_code,
            totp=waiting.totp,
            recovery_codes=waiting.recovery_codes,
            passkey=_options(waiting.passkey) if waiting.passkey else None,
        )

    def answer_challenge(
        self, request: session_pb2.AnswerChallengeRequest, call: Call
    ) -> session_pb2.StartSessionResponse:
        step, token = self.second_step, request.challenge_token
        match request.WhichOneof("proof"):
            case "totp_code":
                row, methods = step.by_totp(call, token, request.totp_code)
            case "recovery_code":
                row, methods = step.by_recovery_code(call, token, request.recovery_code)
            case _:
                shown = request.passkey
                row, methods = step.by_passkey(call, token, shown.challenge, shown.credential_json)
        return _opened(call, request, users.find(call.db, call.user), methods, row.language_code)

    def begin_passkey_sign_in(
        self, request: session_pb2.BeginPasskeySignInRequest, call: Call
    ) -> session_pb2.PasskeyOptions:
        return _options(self.second_step.begin_passkey(call))

    def finish_passkey_sign_in(
        self, request: session_pb2.FinishPasskeySignInRequest, call: Call
    ) -> session_pb2.StartSessionResponse:
        shown = request.proof
        methods = self.second_step.passkey_alone(call, shown.challenge, shown.credential_json)
        return _opened(call, request, users.find(call.db, call.user), methods, request.language_code)

    def touch_session(self, request: session_pb2.TouchSessionRequest, call: Call) -> session_pb2.Session:
        row = sessions.enter(call, request.session_token)
        sessions.note_use(call.db, row, call.now)
        return _session(call, row, users.find(call.db, row.user_id))

    def end_session(
        self, request: session_pb2.EndSessionRequest, call: Call
    ) -> session_pb2.EndSessionResponse:
        sessions.end(call, request.session_token)
        return session_pb2.EndSessionResponse()


def _opened(
    call: Call, request: Opening, person: UserRow, methods: Sequence[str], language_code: str
) -> session_pb2.StartSessionResponse:
    """The session that the proof opens: the one that the browser brought along, newly authenticated, or a new one in
    the place of any other."""
    shown = request.session_token
    owner = bearers.owner(call.db, bearers.SESSION, shown) if shown else None
    row = sessions.live(call.db, shown, call.now) if owner == call.user else None
    if language_code:
        users.prefer_language(person, language_code, call.now)
    if row is not None:
        value = sessions.go_on(call.db, row, methods, call.now)
    else:
        source, agent = request.source_address, request.user_agent
        value, row = sessions.start(call.db, person.user_id, source, agent, methods, call.now)
        if owner is not None:
            sessions.leave(call, shown, owner)
    bearers.sweep(call.db, call.now)
    return session_pb2.StartSessionResponse(session_token=value, session=_session(call, row, person))


def _session(call: Call, row: SessionRow, person: UserRow) -> session_pb2.Session:
    session = session_pb2.Session(
        user=person.name,
        language_code=person.language_code,
        memberships=[membership(*place) for place in memberships.of_person(call.db, person.user_id)],
        operator=person.operator,
        user_display_name=person.display_name,
        level=row.level,
    )
    session.authenticate_time.FromDatetime(row.authenticate_time)
    return session


def _options(options: Options) -> session_pb2.PasskeyOptions:
    return session_pb2.PasskeyOptions(challenge=options.challenge, options_json=options.json)

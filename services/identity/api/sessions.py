"""Sign-in and sessions on the wire (ID1, ID9)."""

from __future__ import annotations

from dataclasses import dataclass

from comptoir.identity.v1 import session_pb2
from services.chassis.rpc.call import Call
from services.identity import bearers, memberships, sessions, users
from services.identity.api.memberships import membership
from services.identity.sessions import SessionRow
from services.identity.sign_in import SignIn
from services.identity.users import UserRow


@dataclass(frozen=True)
class SessionApi:
    """`comptoir.identity.v1.SessionService`."""

    sign_in: SignIn

    def start_session(
        self, request: session_pb2.StartSessionRequest, call: Call
    ) -> session_pb2.StartSessionResponse:
        source, shown = request.source_address, request.device_tokens
        person, device = self.sign_in.check(call, request.login, request.password, source, shown)
        if request.language_code:
            users.prefer_language(person, request.language_code, call.now)
        value, row = sessions.start(call.db, person.user_id, source, request.user_agent, call.now)
        fresh = "" if device else self.sign_in.devices.remember(call.db, person.user_id, call.now)
        bearers.sweep(call.db, call.now)
        sessions.sweep_ended(call.db, call.now)
        return session_pb2.StartSessionResponse(
            session_token=value, session=_session(call, row, person), device_token=fresh
        )

    def touch_session(self, request: session_pb2.TouchSessionRequest, call: Call) -> session_pb2.Session:
        row = sessions.enter(call, request.session_token)
        sessions.note_use(call.db, row, call.now)
        return _session(call, row, users.find(call.db, row.user_id))

    def end_session(
        self, request: session_pb2.EndSessionRequest, call: Call
    ) -> session_pb2.EndSessionResponse:
        sessions.end(call, request.session_token)
        return session_pb2.EndSessionResponse()


def _session(call: Call, row: SessionRow, person: UserRow) -> session_pb2.Session:
    session = session_pb2.Session(
        user=person.name,
        language_code=person.language_code,
        memberships=[membership(*place) for place in memberships.of_person(call.db, person.user_id)],
        operator=person.operator,
        user_display_name=person.display_name,
    )
    session.authenticate_time.FromDatetime(row.authenticate_time)
    return session

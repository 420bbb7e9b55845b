"""A person's own sessions on the wire (ID9)."""

from __future__ import annotations

from collections.abc import Iterable

from comptoir.identity.v1 import user_session_pb2
from services.chassis.authorize import unknown
from services.chassis.rpc.call import Call
from services.identity import sessions
from services.identity.oauth import families
from services.identity.sessions import SessionRow


class UserSessionApi:
    """`comptoir.identity.v1.UserSessionService`."""

    def list_user_sessions(
        self, request: user_session_pb2.ListUserSessionsRequest, call: Call
    ) -> user_session_pb2.ListUserSessionsResponse:
        rows = sessions.listed(call.db, call.user, call.now)
        applications = families.applications(call.db, [row.session_id for row in rows])
        shown = [_session(row, call, applications.get(row.session_id, ())) for row in rows]
        return user_session_pb2.ListUserSessionsResponse(sessions=shown)

    def revoke_user_session(
        self, request: user_session_pb2.RevokeUserSessionRequest, call: Call
    ) -> user_session_pb2.RevokeUserSessionResponse:
        if not sessions.revoke(call.db, call.ids["session"], call.now):
            raise unknown(request.name)
        return user_session_pb2.RevokeUserSessionResponse()

    def revoke_other_user_sessions(
        self, request: user_session_pb2.RevokeOtherUserSessionsRequest, call: Call
    ) -> user_session_pb2.RevokeOtherUserSessionsResponse:
        sessions.end_others(call.db, call.user, call.caller.session, call.now)
        return user_session_pb2.RevokeOtherUserSessionsResponse()


def _session(row: SessionRow, call: Call, applications: Iterable[str]) -> user_session_pb2.UserSession:
    session = user_session_pb2.UserSession(
        name=sessions.NAME.format({"user": row.user_id, "session": row.session_id}),
        present=row.session_id == call.caller.session,
        user_agent=row.user_agent,
        source_address=row.source_address,
        applications=applications,
    )
    session.create_time.FromDatetime(row.create_time)
    session.use_time.FromDatetime(row.use_time)
    session.expire_time.FromDatetime(row.expire_time)
    return session

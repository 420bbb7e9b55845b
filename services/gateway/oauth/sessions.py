"""The signed-in browser: a cookie that holds identity's session token, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Response, request

from comptoir.identity.v1 import session_pb2
from services.gateway.oauth.identity import Identity

COOKIE = "__Host-session"


@dataclass(frozen=True)
class SignedIn:
    """A session that identity has just confirmed."""

    token: str
    session: session_pb2.Session

    @property
    def subject(self) -> str:
        """The person's id, as `sub` of tokens."""
        return self.session.user.rpartition("/")[2]

    @property
    def companies(self) -> dict[str, str]:
        """Names of the companies to choose from, by resource name; staff of the platform choose none."""
        if self.session.operator:
            return {}
        return {
            each.name.partition("/memberships/")[0]: each.company_display_name
            for each in self.session.memberships
            if not each.suspended
        }


@dataclass(frozen=True)
class Sessions:
    """Finds, starts and ends the session of the browser that asks."""

    identity: Identity

    def token(self) -> str:
        """What the browser brought along; empty if nothing."""
        return request.cookies.get(COOKIE, "")

    def current(self) -> SignedIn | None:
        """Who is signed in, after asking identity."""
        token = request.cookies.get(COOKIE)
        session = self.identity.session(token) if token else None
        return SignedIn(token, session) if token and session else None

    def start(self, response: Response, token: str) -> Response:
        """Gives the browser this session; identity knows what it brought along, and has ended any other."""
        response.set_cookie(COOKIE, token, secure=True, httponly=True, samesite="Lax", path="/")
        return response

    def end(self, response: Response) -> Response:
        """Ends the browser's session here and in identity."""
        if token := request.cookies.get(COOKIE):
            self.identity.end_session(token)
        response.delete_cookie(COOKIE, secure=True, httponly=True, samesite="Lax", path="/")
        return response

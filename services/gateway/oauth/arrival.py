"""What follows a right proof: the browser's session, the challenge for a second factor, or first a new password."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Response, request

from comptoir.identity.v1 import session_pb2
from services.gateway.oauth import devices
from services.gateway.oauth.csrf import Csrf
from services.gateway.oauth.places import PASSWORD_RESET, SECOND_STEP, with_query
from services.gateway.oauth.redirects import see_other
from services.gateway.oauth.sessions import Sessions

COOKIE = "__Host-challenge"
SECONDS = 300


@dataclass(frozen=True)
class Arrival:
    """Leads on."""

    sessions: Sessions
    csrf: Csrf

    def lead(self, started: session_pb2.StartSessionResponse, onto: str) -> Response:
        """To where the browser was going, or by way of the second step or of a new password."""
        if started.password_link:
            target = [("link", started.password_link), ("next", onto)]
            return devices.keep(see_other(with_query(PASSWORD_RESET, target)), started.device_token)
        if started.challenge_token:
            response = see_other(with_query(SECOND_STEP, [("next", onto)]))
            # Whoever has the address but not this cookie can answer nothing.
            response.set_cookie(
                COOKIE,
                started.challenge_token,
                max_age=SECONDS,
                secure=True,
                httponly=True,
                samesite="Lax",
                path="/",
            )
            return devices.keep(response, started.device_token)
        self.csrf.renew()
        response = self.sessions.start(see_other(onto), started.session_token)
        devices.keep(response, started.device_token)
        if challenge():
            response.delete_cookie(COOKIE, secure=True, httponly=True, samesite="Lax", path="/")
        return self.csrf.attach(response)


def challenge() -> str:
    """What the browser answers a challenge with; empty if there is none."""
    return request.cookies.get(COOKIE, "")

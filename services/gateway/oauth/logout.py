"""`/oauth2/logout`: the application, or the person, ends the session (OpenID Connect RP-Initiated Logout 1.0).

The register has one list of addresses, so a `post_logout_redirect_uri` must be, byte for byte, one of the
application's redirect URIs. Without a valid ID token about the person who is signed in, the person is asked first:
anybody can make a link to this page. Any error in the request and there is no redirect at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from flask import Response, request

from comptoir.identity.v1 import oauth_pb2
from services.gateway.oauth.authorization_request import registered
from services.gateway.oauth.csrf import FIELD
from services.gateway.oauth.id_tokens import Hint, IdTokens
from services.gateway.oauth.identity import Identity
from services.gateway.oauth.pages import Pages
from services.gateway.oauth.parameters import Parameters
from services.gateway.oauth.places import LOGOUT, SIGN_IN, with_query
from services.gateway.oauth.redirects import location, see_other
from services.gateway.oauth.sessions import Sessions
from services.look.headers import form_target
from services.look.page import Problem


@dataclass(frozen=True)
class LogoutRequest:
    """What is asked: about whom, and the registered address to go to afterwards."""

    subject: str
    target: str

    @classmethod
    def of(cls, parameters: Parameters, hint: Hint | None, client: oauth_pb2.Client | None) -> Self:
        """`hint`: the ID token that came along, if it is ours; `client`: the application that is named."""
        uri = parameters.value("post_logout_redirect_uri")
        contradicts = hint is not None and client is not None and hint.client_id != client.client_id
        forged = hint is None and bool(parameters.value("id_token_hint"))
        if parameters.repeated or contradicts or forged or client is None or not registered(client, uri):
            return cls(hint.subject if hint and not contradicts else "", "")
        return cls(hint.subject if hint else "", location(uri, state=parameters.state))


@dataclass(frozen=True)
class Logout:
    """Ends sessions of browsers."""

    identity: Identity
    sessions: Sessions
    pages: Pages
    id_tokens: IdTokens

    def ask(self) -> Response:
        """Logs out where an ID token proves the wish, and asks the person otherwise."""
        asked = self._request()
        person = self.sessions.current()
        if person is not None and person.subject != asked.subject:
            return self._confirmation(asked)
        return self._done(asked)

    def submit(self) -> Response:
        """The person's answer; or the application's request as a form, sent on as a link so that cookies come along."""
        if FIELD not in request.form:
            return see_other(with_query(LOGOUT, request.form.items(multi=True)))
        fits = self.pages.csrf.fits()
        asked = self._request()
        return self._done(asked) if fits else self._confirmation(asked, [Problem("form.stale")])

    def _request(self) -> LogoutRequest:
        parameters = Parameters(request.args)
        token = parameters.value("id_token_hint")
        hint = self.id_tokens.read(token) if token else None
        client_id = parameters.value("client_id") or (hint.client_id if hint else "")
        return LogoutRequest.of(parameters, hint, self.identity.client(client_id) if client_id else None)

    def _confirmation(self, asked: LogoutRequest, problems: list[Problem] | None = None) -> Response:
        return self.pages.show(
            "logout.html",
            422 if problems else 200,
            here=with_query(LOGOUT, request.args.items(multi=True)),
            problems=problems or [],
            form_targets=[form_target(asked.target)] if asked.target else [],
            action=with_query(LOGOUT, request.args.items(multi=True)),
        )

    def _done(self, asked: LogoutRequest) -> Response:
        self.pages.csrf.renew()
        response = (
            see_other(asked.target) if asked.target else self.pages.show("signed_out.html", sign_in=SIGN_IN)
        )
        return self.pages.csrf.attach(self.sessions.end(response))

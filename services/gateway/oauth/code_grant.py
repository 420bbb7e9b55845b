"""Authorization code grant: the library's course of events, with identity holding all state (RFC 6749 4.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import AccessDeniedError, InvalidClientError, InvalidRequestError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from flask import request

from comptoir.identity.v1 import oauth_pb2
from services.chassis.errors import Fault
from services.gateway.front import RECEIVED
from services.gateway.oauth.authorization_request import check, granted_scopes, registered
from services.gateway.oauth.parameters import ProtocolRequest
from services.gateway.oauth.redirects import from_fault, location
from services.gateway.oauth.token_request import Answer, redeemed, required

if TYPE_CHECKING:
    from services.gateway.oauth.server import Server


@dataclass(frozen=True)
class Agreement:
    """A person's yes: their session, and the company the tokens will be for; empty for the platform's staff."""

    session_token: str
    company: str


class FactorMissing(Exception):
    """The company or the application wants a second factor, which this session has not seen."""


class CodeGrant(AuthorizationCodeGrant):
    """Replaces every step in which the library would look up, save or compare by itself.

    Its own steps redeem a code twice when asked twice at once, let confidential clients go without PKCE and take
    `plain`. Here the authorization request must carry S256, and a code is redeemed by one RPC that is one transaction.
    """

    request: ProtocolRequest
    server: Server
    scopes: list[str]

    def validate_authorization_request(self) -> str:
        """The redirect URI. Only an error raised once client and URI are known to belong together carries it."""
        if self.redirect_uri:
            return str(self.redirect_uri)
        parameters = self.request.payload
        client = self.server.query_client(required(parameters, "client_id"))
        if client is None:
            raise InvalidClientError("The application is not registered here.")
        uri = required(parameters, "redirect_uri")
        if not registered(client, uri):
            raise InvalidRequestError("The redirect_uri is not one that the application has registered.")
        self.request.client = client
        try:
            if client.require_pushed_requests and not self.request.pushed:
                raise InvalidRequestError("The application must push its authorization requests.")
            check(parameters)
            self.scopes = granted_scopes(parameters, client)
        except OAuth2Error as error:
            error.redirect_uri = uri
            raise
        return uri

    def create_authorization_response(
        self, redirect_uri: str, grant_user: Agreement | None
    ) -> tuple[int, str, list[tuple[str, str]]]:
        """The code on its way to the application, or the person's no."""
        if grant_user is None:
            raise AccessDeniedError(redirect_uri=redirect_uri)
        parameters = self.request.payload
        asked = oauth_pb2.CreateAuthorizationCodeRequest(
            session_token=grant_user.session_token,
            client_id=self.request.client.client_id,
            redirect_uri=redirect_uri,
            scopes=self.scopes,
            code_challenge=parameters.value("code_challenge"),
            nonce=parameters.value("nonce"),
            company=grant_user.company,
            key_thumbprint=parameters.value("dpop_jkt"),
        )
        try:
            code = self.server.identity.authorization_code(asked)
        except Fault as fault:
            if fault.reason == "SECOND_FACTOR_REQUIRED":
                raise FactorMissing from fault
            raise from_fault(fault, redirect_uri, parameters.state) from fault
        target = location(redirect_uri, code=code, state=parameters.state, iss=self.server.issuer)
        return 303, "", [("Location", target)]

    def validate_token_request(self) -> None:
        """Nothing to look up beforehand: `create_token_response` does all at once."""

    def create_token_response(self) -> Answer:
        """One RPC (RFC 6749 4.1.3, RFC 7636 4.5)."""
        form = self.request.payload
        grant = oauth_pb2.AuthorizationCodeGrant(
            code=required(form, "code"),
            redirect_uri=required(form, "redirect_uri"),
            code_verifier=required(form, "code_verifier"),
        )
        if RECEIVED in request.environ:
            grant.receive_time.FromMicroseconds(int(request.environ[RECEIVED] * 1_000_000))
        asked = oauth_pb2.RedeemGrantRequest(client=self.request.credentials, authorization_code=grant)
        return redeemed(self.server, asked)

"""`POST /oauth2/token` and `POST /oauth2/revoke` (RFC 6749 3.2, RFC 7009): one RPC each."""

from __future__ import annotations

from dataclasses import dataclass

from authlib.oauth2 import OAuth2Error
from flask import Response, request

from comptoir.identity.v1 import oauth_pb2
from services.chassis.errors import Fault
from services.gateway.oauth.client_credentials import credentials
from services.gateway.oauth.parameters import Parameters
from services.gateway.oauth.server import Server
from services.gateway.oauth.token_request import oauth_error, required


@dataclass(frozen=True)
class TokenEndpoint:
    """Endpoints for applications, not for browsers. Parameters count in the form only, never in the address."""

    server: Server

    def token(self) -> Response:
        try:
            response = self.server.create_token_response(request.form)
        except OAuth2Error as error:
            response = self.server.handle_error_response(None, error)
        assert isinstance(response, Response)
        return response

    def revoke(self) -> Response:
        """Ends the family of a refresh token; an unknown token is as good as revoked (RFC 7009 2.2)."""
        form = Parameters(request.form)
        try:
            asked = oauth_pb2.RevokeTokenRequest(
                client=credentials(form, request.headers.get("Authorization")), token=required(form, "token")
            )
            self._revoke(asked)
        except OAuth2Error as error:
            return self.server.handle_error_response(None, error)
        return Response(status=200)

    def _revoke(self, asked: oauth_pb2.RevokeTokenRequest) -> None:
        try:
            self.server.identity.revoke(asked)
        except Fault as fault:
            raise oauth_error(fault) from fault

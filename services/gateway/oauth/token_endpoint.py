"""`POST /oauth2/token`, `revoke` and `introspect` (RFC 6749 3.2, RFC 7009, RFC 7662): one RPC each."""

from __future__ import annotations

from dataclasses import dataclass

from authlib.oauth2 import OAuth2Error
from flask import Response, jsonify, request

from comptoir.identity.v1 import oauth_pb2
from services.chassis.errors import Fault
from services.gateway.oauth.client_credentials import credentials
from services.gateway.oauth.parameters import Parameters
from services.gateway.oauth.server import Server
from services.gateway.oauth.token_request import oauth_error, required

_LONGEST_TOKEN = 4096


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
        """Ends a refresh token's family, or one access token; an unknown one is as good as revoked (RFC 7009 2.2)."""
        form = Parameters(request.form)
        try:
            asked = oauth_pb2.RevokeTokenRequest(
                client=credentials(form, request.headers.get("Authorization")), token=_token(form)
            )
            self._revoke(asked)
        except OAuth2Error as error:
            return self.server.handle_error_response(None, error)
        return Response(status=200)

    def introspect(self) -> Response:
        """What a token of the application's own stands for, as it is now."""
        form = Parameters(request.form)
        try:
            asked = oauth_pb2.IntrospectTokenRequest(
                client=credentials(form, request.headers.get("Authorization")), token=_token(form)
            )
            response = jsonify(self._account(asked))
        except OAuth2Error as error:
            return self.server.handle_error_response(None, error)
        response.headers["Cache-Control"] = "no-store"
        return response

    def _account(self, asked: oauth_pb2.IntrospectTokenRequest) -> dict[str, object]:
        try:
            found = self.server.identity.introspect(asked)
        except Fault as fault:
            raise oauth_error(fault) from fault
        if not found.active:
            return {"active": False}
        account: dict[str, object] = {
            "active": True,
            "iss": self.server.issuer,
            "client_id": asked.client.client_id,
            "sub": found.subject,
            "scope": " ".join(found.scopes),
            "exp": found.expire_time.seconds,
        }
        if found.token_type == "access_token":  # noqa: S105 - a type
            account |= {
                "token_type": "DPoP" if found.key_thumbprint else "Bearer",
                "aud": self.server.issuer,
                "jti": found.token_id,
            }
            account["iat"] = found.issue_time.seconds
        if found.key_thumbprint:
            account["cnf"] = {"jkt": found.key_thumbprint}
        return account | ({"company": found.company} if found.company else {})

    def _revoke(self, asked: oauth_pb2.RevokeTokenRequest) -> None:
        try:
            self.server.identity.revoke(asked)
        except Fault as fault:
            raise oauth_error(fault) from fault


def _token(form: Parameters) -> str:
    """The token to end or to tell of. What is longer than any is nobody's, and so is its beginning: no error, since an
    unknown token is none (RFC 7009 2.2, RFC 7662 2.2)."""
    return required(form, "token")[:_LONGEST_TOKEN]

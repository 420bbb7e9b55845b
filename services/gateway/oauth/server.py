"""Authlib's authorization server, with identity behind it."""

from __future__ import annotations

import json
from typing import Any

from authlib.oauth2 import AuthorizationServer, OAuth2Error
from authlib.oauth2.rfc6749 import InvalidRequestError, UnsupportedGrantTypeError
from flask import Response, request
from werkzeug.datastructures import MultiDict

from comptoir.identity.v1 import oauth_pb2
from services.chassis.errors import Unauthenticated
from services.gateway.dpop import Proof, Proofs
from services.gateway.oauth.client_credentials import credentials
from services.gateway.oauth.code_grant import CodeGrant
from services.gateway.oauth.exchange_grant import ExchangeGrant
from services.gateway.oauth.identity import Identity, account
from services.gateway.oauth.own_grant import OwnGrant
from services.gateway.oauth.parameters import ProtocolRequest
from services.gateway.oauth.redirects import error_redirect
from services.gateway.oauth.refresh_grant import RefreshGrant
from services.gateway.oauth.token_request import InvalidProof

GRANTS = (CodeGrant, RefreshGrant, OwnGrant, ExchangeGrant)
GRANT_TYPES = [grant.GRANT_TYPE for grant in GRANTS]


class Server(AuthorizationServer):
    """Dispatches to the grants and turns results and errors into responses.

    Where the library asks for "the request", it is given the parameters: the query's at the authorization endpoint,
    the form's at the token endpoint.
    """

    def __init__(self, identity: Identity, issuer: str, proofs: Proofs) -> None:
        super().__init__()
        self.identity = identity
        self.issuer = issuer
        self.proofs = proofs
        for grant in GRANTS:
            self.register_grant(grant)

    def query_client(self, client_id: str) -> oauth_pb2.Client | None:
        return self.identity.client(client_id) if client_id else None

    def create_oauth2_request(self, request: MultiDict[str, str] | ProtocolRequest) -> ProtocolRequest:
        return request if isinstance(request, ProtocolRequest) else ProtocolRequest(request, self.issuer)

    def pushed_request(self, parameters: MultiDict[str, str]) -> ProtocolRequest:
        """An authorization request that an application sent by itself."""
        request = self.create_oauth2_request(parameters)
        request.pushed = True
        return request

    def get_authorization_grant(self, request: ProtocolRequest) -> CodeGrant:
        """The only one, whatever the response type: its own rules refuse the others. The library would choose by
        response type first, and quote the caller's text in an error that takes no such text and so becomes a 500."""
        return CodeGrant(request, self)

    def get_token_grant(self, request: ProtocolRequest) -> Any:
        """The grant, after reading who asks."""
        request.credentials = credentials(request.payload, request.headers.get("Authorization"))
        if not request.payload.grant_type:
            raise InvalidRequestError("grant_type is missing.")
        if request.payload.grant_type not in GRANT_TYPES:
            # The library's own error has no description, or repeats what may be a secret in the wrong field.
            described = f"grant_type must be one of {', '.join(GRANT_TYPES)}."
            raise OAuth2Error(described, error=UnsupportedGrantTypeError.error)
        return super().get_token_grant(request)

    def proof(self) -> Proof | None:
        """The proof of a key that came with the request, if one did (RFC 9449 5)."""
        try:
            return self.proofs.shown(request)
        except Unauthenticated:
            raise InvalidProof() from None

    def handle_response(self, status: int, body: Any, headers: list[tuple[str, str]]) -> Response:
        return Response(json.dumps(body) if isinstance(body, dict) else body, status, headers)

    def handle_error_response(self, request: ProtocolRequest | None, error: OAuth2Error) -> Response:
        """Back to the application where that is safe, otherwise as JSON."""
        account().reason = error.error or ""
        if error.redirect_uri:
            return error_redirect(error, self.issuer)
        return self.handle_response(*error())

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens."""

"""Token exchange grant (RFC 8693): a person goes on in another company, without a new sign-in (ID7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authlib.oauth2.rfc6749 import InvalidRequestError
from authlib.oauth2.rfc6749.grants import BaseGrant, TokenEndpointMixin

from comptoir.identity.v1 import oauth_pb2
from services.gateway.oauth.parameters import ProtocolRequest
from services.gateway.oauth.token_request import Answer, redeemed, required

if TYPE_CHECKING:
    from services.gateway.oauth.server import Server

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - a type


class ExchangeGrant(BaseGrant, TokenEndpointMixin):
    """One RPC: the person's access token of one company, or of none, for one of another. It gives no refresh token."""

    GRANT_TYPE = "urn:ietf:params:oauth:grant-type:token-exchange"
    request: ProtocolRequest
    server: Server

    def validate_token_request(self) -> None:
        """Nothing to look up beforehand: `create_token_response` does all at once."""

    def create_token_response(self) -> Answer:
        """The token, with its type as the standard asks."""
        form = self.request.payload
        if required(form, "subject_token_type") != ACCESS_TOKEN:
            raise InvalidRequestError(f"subject_token_type must be {ACCESS_TOKEN}.")
        if form.value("requested_token_type") not in ("", ACCESS_TOKEN):
            raise InvalidRequestError(f"requested_token_type must be {ACCESS_TOKEN}.")
        if form.value("actor_token"):
            raise InvalidRequestError("actor_token is not supported: nobody acts for another.")
        grant = oauth_pb2.TokenExchangeGrant(
            subject_token=required(form, "subject_token"),
            company=required(form, "company"),
            scopes=form.words("scope"),
        )
        asked = oauth_pb2.RedeemGrantRequest(client=self.request.credentials, token_exchange=grant)
        status, body, headers = redeemed(self.server, asked)
        return status, {**body, "issued_token_type": ACCESS_TOKEN}, headers

"""Client credentials grant (RFC 6749 4.4): an application in its own name, in the company that registered it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant

from comptoir.identity.v1 import oauth_pb2
from services.gateway.oauth.identity import account
from services.gateway.oauth.parameters import ProtocolRequest
from services.gateway.oauth.token_request import Answer, redeemed

if TYPE_CHECKING:
    from services.gateway.oauth.server import Server


class OwnGrant(ClientCredentialsGrant):
    """One RPC instead of the library's look-up of the client and its scopes."""

    request: ProtocolRequest
    server: Server

    def validate_token_request(self) -> None:
        """Nothing to look up beforehand: `create_token_response` does all at once."""

    def create_token_response(self) -> Answer:
        """A token for the scopes that the application can use by itself, or some of them."""
        # Nothing is written for it: of those that go well, the log has a sample's line, here as in identity.
        account().is_read = True
        grant = oauth_pb2.ClientCredentialsGrant(scopes=self.request.payload.words("scope"))
        asked = oauth_pb2.RedeemGrantRequest(client=self.request.credentials, client_credentials=grant)
        return redeemed(self.server, asked)

"""Refresh grant: one RPC, in which identity rotates, recognises reuse and ends the family (RFC 9700 4.14)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authlib.oauth2.rfc6749.grants import RefreshTokenGrant

from comptoir.identity.v1 import oauth_pb2
from services.gateway.oauth.parameters import ProtocolRequest
from services.gateway.oauth.token_request import Answer, redeemed, required

if TYPE_CHECKING:
    from services.gateway.oauth.server import Server


class RefreshGrant(RefreshTokenGrant):
    """Replaces the library's look-up, check and replacement in three steps, between which a second request may fall."""

    request: ProtocolRequest
    server: Server

    def validate_token_request(self) -> None:
        """Nothing to look up beforehand: `create_token_response` does all at once."""

    def create_token_response(self) -> Answer:
        """The next tokens, for the scopes granted or some of them."""
        form = self.request.payload
        grant = oauth_pb2.RefreshTokenGrant(
            refresh_token=required(form, "refresh_token"), scopes=form.words("scope")
        )
        asked = oauth_pb2.RedeemGrantRequest(client=self.request.credentials, refresh_token=grant)
        return redeemed(self.server, asked)

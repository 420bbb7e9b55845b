"""OAuth 2 and OpenID Connect in front of identity: pages to sign in and consent, endpoints to get and use tokens."""

from services.gateway.oauth.blueprint import blueprint

__all__ = ["blueprint"]

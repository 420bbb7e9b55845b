"""What stands behind OAuth 2 and OpenID Connect: clients, consents, codes, refresh tokens, signing keys."""

"""npm `oidc-provider`, with which tokens are compared."""

"""The only public door (GW1): an OAuth 2 / OpenID Connect authorization server and REST over every public RPC."""

"""What clients discover: OpenID Connect Discovery 1.0 and RFC 8414, one document under two addresses."""

from __future__ import annotations

from authlib.oauth2 import rfc8414, rfc9207
from authlib.oidc import discovery, rpinitiated
from flask import Response, jsonify

from services.chassis import public_keys
from services.chassis.rights import SCOPES
from services.chassis.tokens import ALGORITHM, LEVELS
from services.gateway.oauth.authorization_request import CHALLENGE_METHOD, PROMPTS
from services.gateway.oauth.client_credentials import METHODS
from services.gateway.oauth.places import AUTHORIZE, LOGOUT, PAR
from services.gateway.oauth.server import GRANT_TYPES
from services.look.languages import CODES

_CLAIMS = (
    "sub",
    "name",
    "given_name",
    "family_name",
    "preferred_username",
    "locale",
    "zoneinfo",
    "email",
    "email_verified",
    "auth_time",
    "acr",
    "amr",
)

ALGORITHMS = list(public_keys.ALGORITHMS.values())
"""What applications sign with, assertions and proofs alike."""


class _ProviderMetadata(discovery.OpenIDProviderMetadata):
    """ID tokens are signed with ES256 alone, and clients that read this document follow: RS256, which Discovery asks
    every provider to list, would be one algorithm more to confuse verifiers with."""

    def validate_id_token_signing_alg_values_supported(self) -> None:
        if self.get("id_token_signing_alg_values_supported") != [ALGORITHM]:
            raise ValueError('"id_token_signing_alg_values_supported" must be what identity signs with')


def metadata(issuer: str) -> dict[str, object]:
    """The document. Raises `ValueError` if it breaks the rules of its standards, such as an issuer without https."""
    document: dict[str, object] = {
        "issuer": issuer,
        "authorization_endpoint": issuer + AUTHORIZE,
        "token_endpoint": f"{issuer}/oauth2/token",
        "revocation_endpoint": f"{issuer}/oauth2/revoke",
        "introspection_endpoint": f"{issuer}/oauth2/introspect",
        "introspection_endpoint_auth_methods_supported": METHODS[:-1],
        "introspection_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
        "pushed_authorization_request_endpoint": issuer + PAR,
        "require_pushed_authorization_requests": False,
        "dpop_signing_alg_values_supported": ALGORITHMS,
        "userinfo_endpoint": f"{issuer}/oauth2/userinfo",
        "end_session_endpoint": issuer + LOGOUT,
        "jwks_uri": f"{issuer}/oauth2/jwks",
        "scopes_supported": list(SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": GRANT_TYPES,
        "code_challenge_methods_supported": [CHALLENGE_METHOD],
        "token_endpoint_auth_methods_supported": METHODS,
        "token_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
        "revocation_endpoint_auth_methods_supported": METHODS,
        "revocation_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "claim_types_supported": ["normal"],
        "acr_values_supported": list(LEVELS),
        "claims_supported": list(_CLAIMS),
        "prompt_values_supported": sorted(PROMPTS),
        "ui_locales_supported": list(CODES),
        "authorization_response_iss_parameter_supported": True,
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }
    rfc8414.AuthorizationServerMetadata(document).validate([rfc9207.AuthorizationServerMetadata])
    _ProviderMetadata(document).validate([rpinitiated.OpenIDProviderMetadata])
    return document


class Discovery:
    """The two well-known addresses."""

    def __init__(self, issuer: str) -> None:
        self._document = metadata(issuer)

    def show(self) -> Response:
        response = jsonify(self._document)
        response.headers["Cache-Control"] = "public, max-age=3600"
        return response

"""What the grants of the token endpoint have in common: one RPC, and its faults as OAuth errors (RFC 6749 5)."""

from __future__ import annotations

from http import HTTPStatus
from math import ceil
from typing import TYPE_CHECKING, Any

from authlib.consts import default_json_headers
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import (
    InvalidGrantError,
    InvalidRequestError,
    InvalidScopeError,
    UnauthorizedClientError,
)

from comptoir.identity.v1 import oauth_pb2
from services.chassis.errors import (
    Denied,
    Exhausted,
    Fault,
    Invalid,
    NotFound,
    Precondition,
    TimedOut,
    Unauthenticated,
    Unavailable,
)
from services.gateway.oauth.client_credentials import ClientRefused
from services.gateway.oauth.parameters import Parameters

if TYPE_CHECKING:
    from services.gateway.oauth.server import Server

Answer = tuple[int, dict[str, Any], list[tuple[str, str]]]
_INVALID_SUBJECT = "subject_token is not a good access token that this application got."
_BAD_GRANT = "The grant is not valid, has expired, or was used before."


class InvalidProof(OAuth2Error):
    """The proof of a key is not in order, or is missing where it must be there (RFC 9449 5)."""

    error = "invalid_dpop_proof"
    description = "The DPoP proof is missing, not valid, or was used before."


class GrantNotRegistered(UnauthorizedClientError):
    """The application may be good, but not for this grant."""

    description = "The application is not registered for this grant_type."


_BY_REASON = {
    "INVALID_SCOPE": InvalidScopeError,
    "UNAUTHORIZED_CLIENT": GrantNotRegistered,
    "INVALID_KEY_PROOF": InvalidProof,
}


class NotNow(OAuth2Error):
    """The server's fault, or too many requests. No code of RFC 6749 5.2 says so: the status does."""

    def __init__(self, status: HTTPStatus, error: str, retry_after_seconds: float | None = None) -> None:
        super().__init__("The request could not be served.", error=error, status_code=int(status))
        self._retry_after_seconds = retry_after_seconds

    def get_headers(self) -> list[tuple[str, str]]:
        if self._retry_after_seconds is None:
            return list(default_json_headers)
        return [*default_json_headers, ("Retry-After", str(ceil(self._retry_after_seconds)))]


def required(form: Parameters, name: str) -> str:
    """The parameter's value, or invalid_request."""
    value = form.value(name)
    if not value:
        raise InvalidRequestError(f"{name} is missing.")
    return value


def redeemed(server: Server, asked: oauth_pb2.RedeemGrantRequest) -> Answer:
    """The tokens as JSON; identity authenticates the client in the same transaction that consumes the grant."""
    proof = server.proof()
    if proof is not None:
        asked.key_proof.key_thumbprint, asked.key_proof.proof_id = proof.key_thumbprint, proof.proof_id
    try:
        tokens = server.identity.redeem(asked)
    except Fault as fault:
        raise oauth_error(fault) from fault
    body = {
        "access_token": tokens.access_token,
        "token_type": "DPoP" if proof else "Bearer",
        "expires_in": tokens.expires_in_seconds,
        "refresh_token": tokens.refresh_token,
        "id_token": tokens.id_token,
        "scope": " ".join(tokens.scopes),
    }
    return 200, {name: value for name, value in body.items() if value}, default_json_headers


def oauth_error(fault: Fault) -> OAuth2Error:
    """The fault in the words of RFC 6749 5.2."""
    if isinstance(fault, Unauthenticated):
        return ClientRefused()
    if fault.reason == "NOT_A_MEMBER":
        return OAuth2Error(
            "The person is no member of that company.", error="invalid_target", status_code=400
        )
    if fault.reason == "SECOND_FACTOR_REQUIRED":
        return OAuth2Error(
            "The company asks for a second factor: send the person through /oauth2/authorize.",
            error="interaction_required",
            status_code=400,
        )
    if isinstance(fault, Precondition | Denied | NotFound):
        return InvalidGrantError(_BAD_GRANT)
    if isinstance(fault, Invalid):
        return _invalid(fault)
    if isinstance(fault, Exhausted):
        return NotNow(HTTPStatus.TOO_MANY_REQUESTS, "temporarily_unavailable", fault.retry_after_seconds)
    if isinstance(fault, Unavailable | TimedOut):
        return NotNow(HTTPStatus.SERVICE_UNAVAILABLE, "temporarily_unavailable", fault.retry_after_seconds)
    return NotNow(HTTPStatus.INTERNAL_SERVER_ERROR, "server_error")


def _invalid(fault: Invalid) -> OAuth2Error:
    if fault.reason in _BY_REASON:
        return _BY_REASON[fault.reason]()
    if fault.reason == "INVALID_SUBJECT_TOKEN":
        return InvalidRequestError(_INVALID_SUBJECT)
    if any(violation.field == "token_exchange.company" for violation in fault.violations):
        return InvalidRequestError("company must be the name of a company: companies/ and its id.")
    # Breaks the contract's rules on length or form: then it is not what identity gave out.
    if any(violation.field.startswith("client.") for violation in fault.violations):
        return ClientRefused()
    return InvalidGrantError(_BAD_GRANT)

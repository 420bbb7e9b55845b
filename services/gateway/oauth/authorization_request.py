"""Rules of an authorization request, beyond client and redirect URI (OAuth 2.1, RFC 7636, OIDC Core 3.1.2.1)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidRequestError, InvalidScopeError, UnsupportedResponseTypeError
from authlib.oidc.core.errors import (
    RegistrationNotSupportedError,
    RequestNotSupportedError,
    RequestURINotSupportedError,
)

from comptoir.identity.v1 import oauth_pb2
from services.chassis.rights import RIGHTS, SCOPES
from services.chassis.tokens import LEVELS, TWO_FACTORS
from services.gateway.oauth.parameters import Parameters

PROMPTS = frozenset({"none", "login", "consent", "select_account"})
CHALLENGE_METHOD = "S256"
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_SECONDS = re.compile(r"[0-9]{1,9}")
_LONGEST_NONCE = 256
_KNOWN_SCOPES = frozenset(SCOPES) | frozenset(RIGHTS)


class UnmetAuthenticationRequirements(OAuth2Error):
    """A worth of sign-in is asked for that there is none of here (RFC 9470 5)."""

    error = "unmet_authentication_requirements"
    description = "None of the acr_values can be given."


@dataclass(frozen=True)
class Wishes:
    """What the application asks of the encounter with the person."""

    prompts: frozenset[str]
    max_age: int | None
    company: str
    id_token_hint: str
    levels: frozenset[str]
    """What the sign-in must be worth, of what there is here; empty for anything."""
    ui_locales: tuple[str, ...]

    @classmethod
    def of(cls, parameters: Parameters) -> Self:
        """From parameters that passed `check`."""
        max_age = parameters.value("max_age")
        return cls(
            prompts=frozenset(parameters.words("prompt")),
            max_age=int(max_age) if max_age else None,
            company=parameters.value("company"),
            id_token_hint=parameters.value("id_token_hint"),
            levels=frozenset(parameters.words("acr_values")) & set(LEVELS),
            ui_locales=tuple(parameters.words("ui_locales")),
        )

    @property
    def silent(self) -> bool:
        """Whether no page may be shown."""
        return "none" in self.prompts

    def are_met_by(self, level: str) -> bool:
        """Whether a sign-in of this worth is enough; what is worth more is."""
        return not self.levels or level == TWO_FACTORS or level in self.levels


def registered(client: oauth_pb2.Client, redirect_uri: str) -> bool:
    """Whether answers may go there: byte for byte one of the client's, and without a fragment (RFC 6749 3.1.2)."""
    return redirect_uri in client.redirect_uris and "#" not in redirect_uri


def check(parameters: Parameters) -> None:
    """Raises the OAuth error of the first broken rule."""
    for rule in RULES:
        rule(parameters)


def granted_scopes(parameters: Parameters, client: oauth_pb2.Client) -> list[str]:
    """Scopes to ask the person for. Unknown ones are ignored (OIDC Core 3.1.2.1), forbidden ones are an error."""
    asked = [scope for scope in parameters.words("scope") if scope in _KNOWN_SCOPES]
    if not asked or not set(asked) <= set(client.scopes):
        raise InvalidScopeError()
    return asked


def _once(parameters: Parameters) -> None:
    if parameters.repeated:
        raise InvalidRequestError("A parameter is there more than once.")


def _response(parameters: Parameters) -> None:
    response_type = parameters.value("response_type")
    if not response_type:
        raise InvalidRequestError("response_type is missing.")
    if response_type != "code":
        # What was asked for is not repeated: people put things into the wrong field.
        raise OAuth2Error("The only response_type is code.", error=UnsupportedResponseTypeError.error)
    if parameters.value("response_mode") not in ("", "query"):
        raise InvalidRequestError("The only response_mode is query.")


def _no_request_object(parameters: Parameters) -> None:
    for name, error in (
        ("request", RequestNotSupportedError),
        ("request_uri", RequestURINotSupportedError),
        ("registration", RegistrationNotSupportedError),
    ):
        if parameters.value(name):
            raise error()


def _pkce(parameters: Parameters) -> None:
    # Every client, confidential ones too; a missing method would mean `plain` (RFC 7636 4.3), so it is refused.
    if parameters.value("code_challenge_method") != CHALLENGE_METHOD:
        raise InvalidRequestError("PKCE is required: code_challenge_method must be S256.")
    if not _CHALLENGE.fullmatch(parameters.value("code_challenge")):
        raise InvalidRequestError("PKCE is required: code_challenge must be 43 characters of base64url.")


def _encounter(parameters: Parameters) -> None:
    prompts = set(parameters.words("prompt"))
    if not prompts <= PROMPTS or ("none" in prompts and len(prompts) > 1):
        raise InvalidRequestError(
            "prompt is one of none, login, consent, select_account, and none stands alone."
        )
    max_age = parameters.value("max_age")
    if max_age and not _SECONDS.fullmatch(max_age):
        raise InvalidRequestError("max_age is a number of seconds.")
    values = parameters.words("acr_values")
    if values and not set(values) & set(LEVELS):
        raise UnmetAuthenticationRequirements()
    nonce = parameters.value("nonce")
    if len(nonce) > _LONGEST_NONCE or not nonce.isprintable():
        raise InvalidRequestError(f"nonce must be at most {_LONGEST_NONCE} printable characters.")


def _key(parameters: Parameters) -> None:
    if not _CHALLENGE.fullmatch(parameters.value("dpop_jkt") or "A" * 43):
        raise InvalidRequestError("dpop_jkt must be the SHA-256 thumbprint of a key.")


RULES: tuple[Callable[[Parameters], None], ...] = (
    _once,
    _response,
    _no_request_object,
    _pkce,
    _encounter,
    _key,
)

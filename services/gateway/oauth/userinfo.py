"""`/oauth2/userinfo` (OIDC Core 5.3): the person an access token is for, as far as its scopes go."""

from __future__ import annotations

from dataclasses import dataclass

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6750 import InsufficientScopeError, InvalidTokenError
from authlib.oidc.core import UserInfo
from flask import Response, jsonify, request

from comptoir.identity.v1 import user_pb2
from services.chassis.caller import Caller
from services.chassis.errors import Fault, NotFound, Unauthenticated
from services.chassis.tokens import TokenVerifier
from services.gateway.bearer import bearer
from services.gateway.dpop import Proofs
from services.gateway.oauth.identity import Identity
from services.gateway.oauth.server import Server
from services.gateway.oauth.token_request import oauth_error

_ABOUT_THE_PERSON = frozenset({"profile", "email"})


@dataclass(frozen=True)
class UserInfoEndpoint:
    """Answers with what the scopes of a verified token allow."""

    server: Server
    identity: Identity
    tokens: TokenVerifier
    proofs: Proofs

    def show(self) -> Response:
        if request.headers.get("Authorization") is None:
            return Response(status=401, headers={"WWW-Authenticate": 'Bearer realm="Comptoir"'})
        try:
            return jsonify(self._claims())
        except OAuth2Error as error:
            return self.server.handle_error_response(None, error)

    def _claims(self) -> dict[str, object]:
        try:
            caller = bearer(request, self.tokens, self.proofs).caller
            if "openid" not in caller.scopes:
                raise InsufficientScopeError()
            return self._about(caller)
        except (Unauthenticated, NotFound):
            raise InvalidTokenError() from None
        except Fault as fault:
            raise oauth_error(fault) from fault

    def _about(self, caller: Caller) -> dict[str, object]:
        subject: dict[str, object] = {"sub": caller.subject}
        if not caller.scopes & _ABOUT_THE_PERSON:
            return subject
        user = self.identity.user(caller.subject)
        return subject | dict(_standard_claims(user).filter(" ".join(caller.scopes)))


def _standard_claims(user: user_pb2.User) -> UserInfo:
    return UserInfo(
        name=f"{user.given_name} {user.family_name}".strip(),
        given_name=user.given_name,
        family_name=user.family_name,
        preferred_username=user.login,
        locale=user.language_code,
        zoneinfo=user.time_zone,
        email=user.email,
        email_verified=True,
    )

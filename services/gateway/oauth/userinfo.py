"""`/oauth2/userinfo` (OIDC Core 5.3): the person an access token is for, as far as its scopes go."""

from __future__ import annotations

import re
from dataclasses import dataclass

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6750 import InsufficientScopeError, InvalidTokenError
from authlib.oidc.core import UserInfo
from flask import Response, jsonify, request

from comptoir.identity.v1 import user_pb2
from services.chassis.caller import Caller
from services.chassis.errors import Denied, Fault, NotFound, Unauthenticated
from services.chassis.tokens import TokenVerifier
from services.gateway.oauth.identity import Identity
from services.gateway.oauth.server import Server
from services.gateway.oauth.token_request import oauth_error

_BEARER = re.compile(r"Bearer ([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE)
_NEEDS_ACCOUNT = frozenset({"profile", "email"})


@dataclass(frozen=True)
class UserInfoEndpoint:
    """Reads the account with the caller's own token."""

    server: Server
    identity: Identity
    tokens: TokenVerifier

    def show(self) -> Response:
        header = request.headers.get("Authorization")
        if header is None:
            return Response(status=401, headers={"WWW-Authenticate": 'Bearer realm="Comptoir"'})
        try:
            return jsonify(self._claims(header))
        except OAuth2Error as error:
            return self.server.handle_error_response(None, error)

    def _claims(self, header: str) -> dict[str, object]:
        bearer = _BEARER.fullmatch(header)
        if bearer is None:
            raise InvalidTokenError()
        try:
            caller = self.tokens.verify(bearer[1])
            if "openid" not in caller.scopes:
                raise InsufficientScopeError()
            return self._about(caller, bearer[1])
        except (Unauthenticated, NotFound):
            raise InvalidTokenError() from None
        except Fault as fault:
            raise oauth_error(fault) from fault

    def _about(self, caller: Caller, token: str) -> dict[str, object]:
        subject: dict[str, object] = {"sub": caller.subject}
        if not caller.scopes & _NEEDS_ACCOUNT:
            return subject
        try:
            user = self.identity.user(caller.subject, token)
        except Denied:
            # Identity opens an account to the scope `account` alone.
            return subject
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

"""Who calls, by the bearer token (RFC 6750): verified here first, and once more by the service that it is handed to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comptoir.identity.v1 import oauth_pb2
from services.chassis.caller import Caller, Kind
from services.chassis.contract import Method
from services.chassis.errors import Unauthenticated
from services.chassis.request_ids import request_id
from services.chassis.signing_keys import SigningKeys
from services.chassis.tokens import FindKey, TokenVerifier
from services.gateway.backend import Backend

NOBODY = Caller(Kind.ANONYMOUS, "")
_BEARER = re.compile(r"Bearer +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE)
_KEYS = Method(oauth_pb2.DESCRIPTOR.services_by_name["OAuthService"].methods_by_name["ListSigningKeys"])
_KEYS_SECONDS = 2.0


@dataclass(frozen=True)
class Bearer:
    """A caller and the token to hand on, if there is one."""

    caller: Caller
    token: str | None

    @property
    def client(self) -> str:
        """Whose requests are counted together; empty for nobody."""
        return f"{self.caller.client_id} {self.caller.subject}" if self.token else ""


def bearer(header: str | None, tokens: TokenVerifier) -> Bearer:
    """The caller that an `Authorization` header stands for; raises `Unauthenticated` for a bad one."""
    if header is None:
        return Bearer(NOBODY, None)
    found = _BEARER.fullmatch(header.strip())
    if found is None:
        raise Unauthenticated("The authorization header holds no bearer token.", reason="TOKEN_INVALID")
    return Bearer(tokens.verify(found[1]), found[1])


def published_keys(backend: Backend, directory: Path) -> FindKey:
    """Finds signing keys among those that identity publishes; the last known good ones are kept in the directory."""

    def fetch() -> str:
        request = oauth_pb2.ListSigningKeysRequest()
        answer: Any = backend.call(_KEYS, request, request_id=request_id(None), seconds=_KEYS_SECONDS)
        return str(answer.jwks_json)

    return SigningKeys(fetch, directory / "signing-keys.json").find

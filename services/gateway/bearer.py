"""Who calls, by the access token (RFC 6750, RFC 9449): verified here, and once more by the service it is handed to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from werkzeug.wrappers import Request

from comptoir.identity.v1 import oauth_pb2
from services.chassis.caller import Caller, Kind
from services.chassis.contract import Method
from services.chassis.errors import Unauthenticated
from services.chassis.request_ids import request_id
from services.chassis.signing_keys import SigningKeys
from services.chassis.tokens import TokenVerifier, refuse_unproved
from services.gateway.backend import Backend
from services.gateway.dpop import Proofs, invalid

NOBODY = Caller(Kind.ANONYMOUS, "")
_TOKEN = re.compile(r"(Bearer|DPoP) +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE)
_KEYS = Method(oauth_pb2.DESCRIPTOR.services_by_name["OAuthService"].methods_by_name["ListSigningKeys"])
_KEYS_SECONDS = 2.0


@dataclass(frozen=True)
class Bearer:
    """A caller and the token to hand on, if there is one."""

    caller: Caller
    token: str | None

    @property
    def authorization(self) -> str | None:
        """How the token is handed on: its scheme says whether the proof that it asks for was seen here."""
        if self.token is None:
            return None
        return f"{'DPoP' if self.caller.key_thumbprint else 'Bearer'} {self.token}"

    @property
    def client(self) -> str:
        """Whose requests are counted together; empty for nobody."""
        return f"{self.caller.client_id} {self.caller.subject}" if self.token else ""


def bearer(request: Request, tokens: TokenVerifier, proofs: Proofs) -> Bearer:
    """The caller that the request's `Authorization` header stands for; raises `Unauthenticated` for a bad one.

    A token that is bound to a key comes under the scheme DPoP, with a proof for this very request.
    """
    header = request.headers.get("Authorization")
    if header is None:
        return Bearer(NOBODY, None)
    found = _TOKEN.fullmatch(header.strip())
    if found is None:
        raise Unauthenticated("The authorization header holds no access token.", reason="TOKEN_INVALID")
    caller, proved = tokens.verify(found[2]), found[1].lower() == "dpop"
    refuse_unproved(caller, proved=proved)
    if proved and proofs.shown_with(request, found[2]).key_thumbprint != caller.key_thumbprint:
        raise invalid()
    return Bearer(caller, found[2])


def remembered(request: Request, tokens: TokenVerifier) -> Bearer | None:
    """The same, where nothing is to be verified any more; None where `bearer` has to judge, which may take a while:
    a key may have to be fetched."""
    found = _TOKEN.fullmatch(request.headers.get("Authorization", ""))
    if found is None or found[1].lower() != "bearer":
        return None
    caller = tokens.remembered(found[2])
    return None if caller is None or caller.key_thumbprint else Bearer(caller, found[2])


def published_keys(backend: Backend, directory: Path) -> SigningKeys:
    """The signing keys that identity publishes; the last known good ones are kept in the directory."""

    def fetch() -> str:
        request = oauth_pb2.ListSigningKeysRequest()
        answer: Any = backend.call(_KEYS, request, request_id=request_id(None), seconds=_KEYS_SECONDS)
        return str(answer.jwks_json)

    keys = SigningKeys(fetch, directory / "signing-keys.json")
    keys.prepare()
    return keys

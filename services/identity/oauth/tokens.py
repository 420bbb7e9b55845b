"""What access tokens (RFC 9068, read by `services.chassis.tokens`) and ID tokens (OpenID Connect Core 2) say."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey

from services.chassis.request_ids import new_number
from services.chassis.tokens import ALGORITHM, TYPE
from services.identity.memberships import Authority
from services.identity.oauth.clients import Client
from services.identity.sessions import SessionRow

LIFETIME_SECONDS = 300
ID_TOKEN_TYPE = "JWT"  # noqa: S105 - a media type
_ALL_SHOPS = "all"


@dataclass(frozen=True)
class Subject:
    """Whom tokens are about, for whom, and since when."""

    session: SessionRow
    client_id: str
    scopes: Sequence[str]
    now: datetime
    key_thumbprint: str = ""
    """Of the key that the access token is bound to; empty if to none."""
    latest: int | None = None
    """When the tokens end, if that is sooner than they would."""

    @property
    def seconds(self) -> int:
        """How long they live."""
        left = LIFETIME_SECONDS if self.latest is None else self.latest - int(self.now.timestamp())
        return max(0, min(left, LIFETIME_SECONDS))

    def times(self) -> dict[str, int]:
        issued = int(self.now.timestamp())
        return {
            "iat": issued,
            "exp": issued + self.seconds,
            "auth_time": int(self.session.authenticate_time.timestamp()),
        }

    def proof(self) -> dict[str, Any]:
        """How the person proved who they are (RFC 8176), and what that is worth (OpenID Connect Core 2)."""
        return {"amr": list(self.session.methods), "acr": self.session.level}


def access_token(key: ECKey, issuer: str, subject: Subject, authority: Authority) -> str:
    """Lets its bearer do what the person may, within the scopes, for five minutes."""
    claims: dict[str, Any] = {
        "iss": issuer,
        "aud": issuer,
        "sub": subject.session.user_id,
        **subject.times(),
        **subject.proof(),
        "jti": new_number(),
        "client_id": subject.client_id,
        "sid": subject.session.session_id,
        "scope": " ".join(subject.scopes),
        "role": authority.role,
        **_bound(subject.key_thumbprint),
    }
    if authority.company is not None:
        claims["company"] = authority.company
        claims["shops"] = _ALL_SHOPS if authority.shops is None else authority.shops
    return _signed(key, TYPE, claims)


def application_token(
    key: ECKey,
    issuer: str,
    client: Client,
    scopes: Sequence[str],
    company: str,
    now: datetime,
    key_thumbprint: str,
) -> str:
    """Lets an application act by itself, within its scopes, for five minutes: nobody signed in, so none is named."""
    issued = int(now.timestamp())
    claims: dict[str, Any] = {
        "iss": issuer,
        "aud": issuer,
        "sub": client.client_id,
        "iat": issued,
        "exp": issued + LIFETIME_SECONDS,
        "jti": new_number(),
        "client_id": client.client_id,
        "scope": " ".join(scopes),
        "company": company,
        "shops": _ALL_SHOPS if client.shops is None else list(client.shops),
        **_bound(key_thumbprint),
    }
    return _signed(key, TYPE, claims)


def id_token(key: ECKey, issuer: str, subject: Subject, nonce: str, access: str) -> str:
    """Tells the client who signed in, when, and that the access token belongs to it."""
    claims: dict[str, Any] = {
        "iss": issuer,
        "sub": subject.session.user_id,
        "aud": subject.client_id,
        **subject.times(),
        **subject.proof(),
        "sid": subject.session.session_id,
        "at_hash": _half_hash(access),
        **({"nonce": nonce} if nonce else {}),
    }
    return _signed(key, ID_TOKEN_TYPE, claims)


def _signed(key: ECKey, kind: str, claims: dict[str, Any]) -> str:
    return jwt.encode({"typ": kind, "alg": ALGORITHM, "kid": key.kid}, claims, key)


def _bound(key_thumbprint: str) -> dict[str, Any]:
    """The claim that binds a token to a key (RFC 9449 6.1)."""
    return {"cnf": {"jkt": key_thumbprint}} if key_thumbprint else {}


def _half_hash(token: str) -> str:
    """Left half of the hash (OpenID Connect Core 3.1.3.6)."""
    half = hashlib.sha256(token.encode("ascii")).digest()[:16]
    return base64.urlsafe_b64encode(half).decode().rstrip("=")

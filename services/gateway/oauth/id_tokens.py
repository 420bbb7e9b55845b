"""ID tokens that come back as hints: ours or not, whoever they are about (OIDC Core 3.1.2.1, RP-Initiated Logout 2)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError

from services.chassis.tokens import ALGORITHM, FindKey

_LONGEST = 8192
_TYPES = (None, "JWT")
"""An access token says `at+jwt`: signed by the same keys, and no hint."""


@dataclass(frozen=True)
class Hint:
    """Whom an ID token was about, and for which application."""

    subject: str
    client_id: str


@dataclass(frozen=True)
class IdTokens:
    """Reads hints. They may have expired: what counts is that they were ours."""

    issuer: str
    find_key: FindKey

    def read(self, token: str) -> Hint | None:
        """The hint, or None for anything that we did not issue as an ID token."""
        try:
            claims = self._claims(token)
        except (JoseError, ValueError, TypeError, KeyError, RecursionError):
            return None
        subject, audience = claims.get("sub"), claims.get("aud")
        if claims.get("iss") != self.issuer or not isinstance(subject, str) or not isinstance(audience, str):
            return None
        return Hint(subject, audience)

    def _claims(self, token: str) -> dict[str, Any]:
        if len(token) > _LONGEST:
            raise ValueError
        header = jws.extract_compact(token.encode("ascii")).headers()
        key = self.find_key(header["kid"]) if isinstance(header.get("kid"), str) else None
        if key is None or header.get("typ") not in _TYPES:
            raise ValueError
        claims = json.loads(jws.deserialize_compact(token, key, algorithms=[ALGORITHM]).payload)
        if not isinstance(claims, dict):
            raise TypeError
        return claims

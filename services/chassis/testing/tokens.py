"""Access tokens for tests, signed with a key of their own."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Callable
from typing import Any

from joserfc import jws, jwt
from joserfc.jwk import ECKey, RSAKey

from services.chassis.clock import Clock, system_clock
from services.chassis.tokens import ALGORITHM, TYPE

ISSUER = "https://gateway.test"
ALL_SCOPES = "openid account company users applications shop inbox platform"


class Mint:
    """Signs tokens as identity would."""

    def __init__(self, clock: Clock = system_clock, life_seconds: int = 300) -> None:
        self._clock = clock
        self._life_seconds = life_seconds
        self.minted: Callable[[str, dict[str, Any]], None] = lambda _, __: None
        """Told every token and its claims."""
        self.key: ECKey = ECKey.generate_key("P-256", {"kid": "test-key"})

    def find(self, kid: str) -> ECKey | None:
        return self.key if kid == "test-key" else None

    def claims(self, **changes: Any) -> dict[str, Any]:
        """The claims of a good token of an owner, with changes; None removes one."""
        now = int(self._clock().timestamp())
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "aud": ISSUER,
            "sub": "userexample",
            "iat": now,
            "exp": now + self._life_seconds,
            "auth_time": now,
            "jti": uuid.uuid4().hex,
            "client_id": "demo-app",
            "sid": "session",
            "scope": ALL_SCOPES,
            "role": "owner",
            "company": "acme",
            "shops": "all",
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, header: dict[str, Any] | None = None, **changes: Any) -> str:
        """A token; see `claims`."""
        protected = {"typ": TYPE, "alg": ALGORITHM, "kid": "test-key", **(header or {})}
        claims = self.claims(**changes)
        token = jwt.encode(protected, claims, self.key)
        self.minted(token, claims)
        return token

    def operator(self, **changes: Any) -> str:
        """A token of the platform's staff."""
        return self.token(role="operator", company=None, shops=None, sub="operatorexample", **changes)

    def application(self, subject: str, **changes: Any) -> str:
        """A token of an application that acts by itself."""
        nobody: dict[str, Any] = {"role": None, "sid": None, "auth_time": None}
        return self.token(**{"sub": subject, "client_id": subject, **nobody, **changes})


def signed_text(header: dict[str, Any], claims: dict[str, Any], key: ECKey | RSAKey) -> str:
    """Signed as the header says, whatever else that says: libraries refuse to make what is to be refused."""
    body = ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (header, claims)
    )
    algorithm = jws.JWSRegistry(algorithms=[header["alg"]]).get_alg(header["alg"])
    return f"{body}.{base64.urlsafe_b64encode(algorithm.sign(body.encode(), key)).decode().rstrip('=')}"

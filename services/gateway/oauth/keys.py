"""`GET /oauth2/jwks` (RFC 7517): the keys that verify our tokens, as identity publishes them."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Response

from services.chassis.errors import Unavailable
from services.chassis.signing_keys import SigningKeys
from services.gateway import problems


@dataclass(frozen=True)
class PublishedKeys:
    """Shows them, and the last known ones while identity is away. A key is published long before it signs."""

    keys: SigningKeys

    def show(self) -> Response:
        try:
            response = Response(self.keys.text(), content_type="application/jwk-set+json")
        except Unavailable as fault:
            headers = problems.headers(fault)
            return Response(fault.message, int(fault.http), headers, content_type="text/plain")
        response.headers["Cache-Control"] = "public, max-age=300"
        return response

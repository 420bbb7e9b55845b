"""Who is calling: a person or application by token, a service of the platform by certificate, or nobody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from comptoir.options.v1 import policy_pb2


class Kind(Enum):
    """How a caller proves itself."""

    ANONYMOUS = policy_pb2.CALLER_KIND_ANONYMOUS
    MERCHANT = policy_pb2.CALLER_KIND_MERCHANT
    OPERATOR = policy_pb2.CALLER_KIND_OPERATOR
    INTERNAL = policy_pb2.CALLER_KIND_INTERNAL


@dataclass(frozen=True)
class Caller:
    """One caller, as the service may rely on it after authentication."""

    kind: Kind
    subject: str
    """A user's id, an application's client id, or a service's name."""
    service: str = ""
    """The service whose certificate carried the call."""
    company: str | None = None
    """The token's active company, of merchants."""
    rights: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    shops: frozenset[str] | None = None
    """Public ids of the shops reached; None for every shop."""
    client_id: str = ""
    session: str = ""
    token_id: str = ""
    """Of the token (`jti`), which may be revoked by itself."""
    authenticated_at: datetime | None = None
    """When the person last proved who they are."""
    key_thumbprint: str = ""
    """Of the key that the token is bound to (RFC 9449 6): whoever shows the token must have proved to hold it."""
    is_application: bool = False
    """Whether an application of the company acts by itself, in nobody's name."""

    @property
    def shows_token(self) -> bool:
        return self.kind in (Kind.MERCHANT, Kind.OPERATOR)

    level: str = ""
    """What that proof was worth (`acr`)."""

    @property
    def is_person(self) -> bool:
        return self.shows_token and not self.is_application

    @property
    def actor(self) -> str:
        """Who did something, as the record says it."""
        if self.is_application:
            return f"applications/{self.subject}"
        return f"users/{self.subject}" if self.is_person else f"services/{self.subject}"

    def reaches_shop(self, shop: str) -> bool:
        """Whether the caller's rights extend to this shop."""
        return self.shops is None or shop in self.shops

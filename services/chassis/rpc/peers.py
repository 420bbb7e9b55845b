"""Which service is at the other end, by its certificate, and what the published list lets it call (SH11)."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path

import grpc

from services.chassis.config import ConfigError
from services.chassis.errors import Denied, Unauthenticated

TRUST_DOMAIN = "spiffe://comptoir.internal/"


@dataclass(frozen=True)
class Peers:
    """The published list of who may call whom: for each service identity, patterns of method paths."""

    allowed: dict[str, tuple[str, ...]]
    forwarders: frozenset[str]
    """Services that may carry other people's tokens."""

    @classmethod
    def load(cls, path: Path) -> Peers:
        """Reads the list; see `deploy/callers.toml` for its shape."""
        try:
            services = tomllib.loads(path.read_text())["services"]
            return cls(
                {name: tuple(entry["methods"]) for name, entry in services.items()},
                frozenset(name for name, entry in services.items() if entry.get("forwards_tokens", False)),
            )
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError) as error:
            raise ConfigError(f"COMPTOIR_CALLERS_FILE: {path} is no list of callers ({error})") from None

    def check(self, service: str, method: str) -> None:
        """Refuses a service that is not listed for the method."""
        if not self.allows(service, method):
            raise Denied(
                f"The service '{service}' may not call {method}.",
                reason="SERVICE_NOT_ALLOWED",
                metadata={"service": service, "method": method},
            )

    def allows(self, service: str, method: str) -> bool:
        """Whether the service is listed for the method."""
        return _allows(self.allowed.get(service, ()), method)


@lru_cache(maxsize=4096)
def _allows(patterns: tuple[str, ...], method: str) -> bool:
    return any(fnmatchcase(method, "/" + pattern) for pattern in patterns)


def service_of(context: grpc.ServicerContext) -> str:
    """Name of the service whose certificate opened the connection: its one SPIFFE identity (X509-SVID 2)."""
    # Not found among the alternative names: those come without their kind, and an e-mail address may look like a URI.
    for name in context.auth_context().get("peer_spiffe_id", ()):
        text = name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)
        if text.startswith(TRUST_DOMAIN):
            return text.removeprefix(TRUST_DOMAIN)
    raise Unauthenticated("The client certificate names no service.", reason="CERTIFICATE_UNKNOWN")

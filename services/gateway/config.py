"""Settings of the gateway."""

from __future__ import annotations

from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict

from services.chassis.config import Address, SecretFile
from services.gateway.proxies import Networks


class GatewaySettings(BaseSettings):
    """Where it listens, whom it calls, what it signs cookies with."""

    model_config = SettingsConfigDict(env_prefix="COMPTOIR_", frozen=True, extra="ignore")

    listen: Address
    """Where https is served."""
    metrics_listen: Address
    web_tls_directory: Path
    """Certificate that browsers see: tls.crt, tls.key."""
    tls_directory: Path
    """The gateway's identity towards the services: tls.crt, tls.key, ca.crt."""
    cookie_key_file: SecretFile
    issuer: str
    """Public origin, and issuer of tokens: `https://host[:port]`, from configuration and never from a header."""
    state_directory: Path
    identity_address: Address
    company_address: Address
    shop_address: Address
    media_address: Address
    inbox_address: Address
    workers: int = 1
    """Processes; one a core."""
    threads: int = 4
    """Requests that Flask answers at once in each of its lanes, in each process."""
    rate_per_second: float = 500
    """Requests of one client that each process answers in the long run; `rate_burst` at once."""
    rate_burst: int = 10_000
    trusted_proxies: Networks = ()
    """Whose X-Forwarded-For is believed; nobody's by default."""

    @property
    def cookie_key(self) -> bytes:
        return self.cookie_key_file.read_bytes().strip()

    @property
    def addresses(self) -> dict[str, str]:
        """Address of each service by its name."""
        return {
            "identity": self.identity_address,
            "company": self.company_address,
            "shop": self.shop_address,
            "media": self.media_address,
            "inbox": self.inbox_address,
        }

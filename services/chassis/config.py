"""Settings of a process: one frozen object, read once, all problems reported together, secrets by file path only."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self, TypeVar

from pydantic import AfterValidator, PositiveInt, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class ConfigError(Exception):
    """Settings are missing or wrong; the message lists every problem by the name of its variable."""


class CommandRefused(Exception):
    """An operator's command was not done, or not wholly; the message says why and what to do."""


def _address(value: str) -> str:
    host, _, port = value.rpartition(":")
    if not host or not port.isdecimal() or not 0 <= int(port) <= 65535:
        raise ValueError("must be HOST:PORT")
    return value


def _readable(path: Path) -> Path:
    if not path.is_file():
        raise ValueError("must be a readable file")
    return path


Address = Annotated[str, AfterValidator(_address)]
SecretFile = Annotated[Path, AfterValidator(_readable)]


class VaultSettings(BaseSettings):
    """Where the keys of the vault are; see docs/vault.md."""

    model_config = SettingsConfigDict(env_prefix="COMPTOIR_", frozen=True, extra="ignore")

    kek_file: SecretFile
    """File with the key-encryption keys, or with their names if they are in a token."""
    kek_token_module: SecretFile | None = None
    """The PKCS#11 module of the token."""
    kek_token_label: str = ""
    kek_token_pin_file: SecretFile | None = None
    vault_minimum_version: PositiveInt = 1
    """Data keys of a lower version neither seal nor open."""

    @model_validator(mode="after")
    def _whole_token(self) -> Self:
        given = (self.kek_token_module, self.kek_token_label, self.kek_token_pin_file)
        if any(given) and not all(given):
            raise ValueError("COMPTOIR_KEK_TOKEN_MODULE, _LABEL and _PIN_FILE: must be given together")
        return self


class DatabaseSettings(VaultSettings):
    """What sealed rows are read with: the keys, and the service's own role."""

    database_url_file: SecretFile
    """File with the database URL of the `svc` role."""

    @property
    def database_url(self) -> str:
        return self.database_url_file.read_text().strip()


class Settings(DatabaseSettings):
    """What every service needs."""

    listen: Address
    """Where gRPC is served, over mutual TLS."""
    health_listen: Address
    """Where the standard health protocol is served, in clear, to the orchestrator only."""
    metrics_listen: Address
    tls_directory: Path
    """Holds tls.crt, tls.key and ca.crt of this service."""
    callers_file: SecretFile
    """The published list of who may call whom."""
    issuer: str
    """Issuer and audience of access tokens: the gateway's public address."""
    identity_address: Address
    """Where the signing keys are published."""
    identity_feed_address: Address | None = None
    company_feed_address: Address | None = None
    shop_feed_address: Address | None = None
    media_feed_address: Address | None = None
    """Where the services are watched that this one keeps something of."""
    state_directory: Path
    """Scratch that survives a restart, such as the last known good signing keys."""
    threads: int = 4
    """Calls that are served at the same time; one process a core."""
    connections: PositiveInt | None = None
    """To the database, at most; four more than threads by default."""

    def feed_address(self, source: str) -> str | None:
        """Where a service is watched."""
        address: str | None = getattr(self, f"{source}_feed_address")
        return address


class FeedSettings(BaseSettings):
    """What the feed of a service needs: it has no key of any kind but its own certificate's."""

    model_config = SettingsConfigDict(env_prefix="COMPTOIR_", frozen=True, extra="ignore")

    feed_listen: Address
    """Where the feed is served, over mutual TLS."""
    feed_health_listen: Address
    """Where the standard health protocol is served, in clear, to the orchestrator only."""
    feed_metrics_listen: Address
    tls_directory: Path
    callers_file: SecretFile
    feed_database_url_file: SecretFile
    """File with the database URL of the `feed` role."""
    feed_streams_per_caller: int = 128
    """Streams that one service of the platform may hold open in this process."""

    @property
    def database_url(self) -> str:
        return self.feed_database_url_file.read_text().strip()


class OwnerSettings(BaseSettings):
    """What migrations need."""

    model_config = SettingsConfigDict(env_prefix="COMPTOIR_", frozen=True, extra="ignore")

    owner_database_url_file: SecretFile

    @property
    def database_url(self) -> str:
        return self.owner_database_url_file.read_text().strip()


class FirstKekSettings(VaultSettings):
    """What making the first key-encryption key needs."""

    kek_file: Path


class OperatorSettings(OwnerSettings, VaultSettings):
    """What an operator's work on the vault needs: the owner's database and the keys."""


S = TypeVar("S", bound=BaseSettings)


def load(kind: type[S]) -> S:
    """Reads the settings, or raises `ConfigError` with every problem. Values are not repeated: they may be secret."""
    try:
        return kind()
    except ValidationError as error:
        lines = [
            f"COMPTOIR_{str(problem['loc'][0]).upper()}: {problem['msg']}"
            if problem["loc"]
            else problem["msg"]
            for problem in error.errors(include_input=False, include_url=False)
        ]
        raise ConfigError("\n".join(lines)) from None

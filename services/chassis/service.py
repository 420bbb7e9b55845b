"""A service, whole: what it is made of, and the two commands that every one has, `migrate` and `serve`."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import MetaData

from comptoir.identity.v1 import oauth_pb2
from services.chassis import log, metrics, tracing
from services.chassis.changes.log import ChangeLog
from services.chassis.clock import Clock, system_clock
from services.chassis.config import ConfigError, OwnerSettings, Settings, load
from services.chassis.contract import ContractError, Method
from services.chassis.db.database import Database
from services.chassis.db.faults import Conflicts
from services.chassis.db.migrate import migrate
from services.chassis.feed.published import Published
from services.chassis.rpc.client import Client
from services.chassis.rpc.peers import Peers
from services.chassis.rpc.server import Handlers, Server
from services.chassis.rpc.stages import stages
from services.chassis.signing_keys import SigningKeys
from services.chassis.tables import ChassisTables
from services.chassis.tokens import FindKey, TokenVerifier
from services.chassis.vault.data_keys import DataKeys
from services.chassis.vault.kek_file import FileKeyring
from services.chassis.vault.sql_store import SqlDataKeyStore
from services.chassis.vault.vault import Vault


@dataclass(frozen=True)
class Resources:
    """What the chassis hands to a service when it builds its handlers."""

    settings: Any
    database: Database
    vault: Vault
    clock: Clock
    closers: list[Callable[[], None]] = field(default_factory=list)
    """What to end when the service stops."""

    def close(self) -> None:
        """Ends what was opened, the database last."""
        for close in (*reversed(self.closers), self.database.close):
            close()


@dataclass(frozen=True)
class Service:
    """One service: its name, settings, tables, migrations, and how its handlers are built."""

    name: str
    handlers: Callable[[Resources], Handlers]
    metadata: MetaData
    tables: ChassisTables
    versions: Path
    published: tuple[Published, ...] = ()
    """What its feed shows of its resources."""
    settings: type[Settings] = Settings
    conflicts: Conflicts = field(default_factory=dict)
    find_key: Callable[[Resources], FindKey] | None = None
    """Where signing keys come from; by default, what identity publishes."""


def run(service: Service) -> None:
    """The command line: `migrate` or `serve`."""
    command = sys.argv[1] if len(sys.argv) == 2 else ""
    log.configure(service.name)
    try:
        if command == "migrate":
            migrate(load(OwnerSettings).database_url, service.versions, service.metadata)
        elif command == "serve":
            _serve(service, load(service.settings))
        else:
            raise ConfigError(f"usage: python -m services.{service.name} migrate|serve")
    except (ConfigError, ContractError) as error:
        sys.exit(f"{service.name} cannot start:\n{error}")


def build(service: Service, settings: Settings, clock: Clock = system_clock) -> tuple[Server, Resources]:
    """The server of a service, not yet started."""
    database = Database(settings.database_url, connections=settings.threads + 2, conflicts=service.conflicts)
    resources = Resources(settings, database, _vault(service, settings), clock)
    find_key = service.find_key(resources) if service.find_key else _published_keys(settings)
    verifier = TokenVerifier(settings.issuer, find_key, clock)
    server = Server(
        service.handlers(resources),
        stages(Peers.load(settings.callers_file), verifier),
        tls_directory=settings.tls_directory,
        listen=settings.listen,
        health_listen=settings.health_listen,
        clock=clock,
        database=database,
        log=ChangeLog(service.name, service.tables.log, resources.vault),
        threads=settings.threads,
    )
    return server, resources


def _vault(service: Service, settings: Settings) -> Vault:
    keyring = FileKeyring.load(settings.kek_file)
    return Vault(DataKeys(service.name, keyring, SqlDataKeyStore(service.tables.data_keys)))


def _published_keys(settings: Settings) -> FindKey:
    client = Client(settings.identity_address, settings.tls_directory)
    method = Method(oauth_pb2.DESCRIPTOR.services_by_name["OAuthService"].methods_by_name["ListSigningKeys"])

    def fetch() -> str:
        answer: Any = client.call(method, oauth_pb2.ListSigningKeysRequest(), seconds=2)
        return str(answer.jwks_json)

    return SigningKeys(fetch, settings.state_directory / "signing-keys.json").find


def _serve(service: Service, settings: Settings) -> None:
    tracing.configure(service.name)
    server, resources = build(service, settings)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    metrics.serve(settings.metrics_listen)
    server.start()
    log.event("serving", listen=settings.listen)
    stop.wait()
    server.drain()
    resources.close()
    log.event("stopped")

"""A service, whole: what it is made of, and the commands that every one has."""

from __future__ import annotations

import inspect
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvloop
from sqlalchemy import MetaData

from comptoir.identity.v1 import oauth_pb2
from services.chassis import fault_points, log, metrics, tracing
from services.chassis.changes.bell import Bell
from services.chassis.changes.checkpoints import Checkpoints, CheckpointSettings
from services.chassis.changes.compact import compact
from services.chassis.changes.log import ChangeLog
from services.chassis.changes.revisions import Revisions
from services.chassis.changes.sealed import log_fields
from services.chassis.clock import Clock, system_clock
from services.chassis.config import CommandRefused, ConfigError, FeedSettings, OwnerSettings, Settings, load
from services.chassis.contract import ContractError, Method
from services.chassis.db.database import Database
from services.chassis.db.faults import Conflicts
from services.chassis.db.migrate import migrate, owner_engine
from services.chassis.db.role import owner_url
from services.chassis.feed import server as feed
from services.chassis.feed.published import Published
from services.chassis.idempotency.replies import Replies
from services.chassis.idempotency.stage import Idempotency
from services.chassis.mirrors.follower import Follower
from services.chassis.mirrors.following import Reactions, followers
from services.chassis.mirrors.kinds import Mirrors
from services.chassis.mirrors.standing import Standing
from services.chassis.rpc.client import Client
from services.chassis.rpc.peers import Peers
from services.chassis.rpc.server import Handlers, Server
from services.chassis.rpc.stages import stages
from services.chassis.signing_keys import SigningKeys
from services.chassis.tables import ChassisTables
from services.chassis.tokens import FindKey, TokenVerifier
from services.chassis.vault import command as vault_command
from services.chassis.vault.configured import configured_vault
from services.chassis.vault.sealed_fields import SealedField
from services.chassis.vault.vault import Vault


@dataclass(frozen=True)
class Resources:
    """What the chassis hands to a service when it builds its handlers."""

    settings: Any
    database: Database
    vault: Vault
    clock: Clock
    changes: ChangeLog
    starters: list[Callable[[], None]] = field(default_factory=list)
    """What to begin beside the calls once they are served."""
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
    mirrors: Mirrors | None = None
    """What it keeps of other services."""
    reactions: Callable[[Resources], Reactions] | None = None
    """What it does about their changes."""
    standing: Standing | None = None
    """How it knows that a person still has what their token says."""
    settings: type[Settings] = Settings
    conflicts: Conflicts = field(default_factory=dict)
    find_key: Callable[[Resources], FindKey] | None = None
    """Where signing keys come from; by default, what identity publishes."""
    sealed: tuple[SealedField, ...] = ()
    """The sealed columns of its own tables."""
    commands: Mapping[str, Command] = field(default_factory=dict)
    """What an operator can have it do beside what every service has."""

    @property
    def sealed_fields(self) -> tuple[SealedField, ...]:
        """All that a rotation of its data keys seals again."""
        return (*self.sealed, *log_fields(self.name, self.tables.log))


Command = Callable[["Service", Sequence[str]], None]
"""What follows its name on the command line is given to it. It raises CommandRefused for what it cannot do."""


def run(service: Service) -> None:
    """The command line: what every service does, and the service's own."""
    command, *arguments = sys.argv[1:] or [""]
    commands: Mapping[str, Command] = {**_PLAIN, "vault": _vault, **service.commands}
    if not {command, *(arguments if command in _PLAIN else ())}.isdisjoint(("--help", "-h")):
        sys.stdout.write(_help(service, commands) + "\n")
        return
    if command not in commands or (command in _PLAIN and arguments):
        sys.stderr.write(_usage(service, commands) + "\n")
        sys.exit(2)
    log.configure(service.name)
    try:
        fault_points.arm()
        commands[command](service, arguments)
    except (ConfigError, ContractError) as error:
        sys.exit(f"{service.name} cannot start:\n{error}")
    except CommandRefused as error:
        sys.exit(f"{service.name}: {error}")


def _usage(service: Service, commands: Iterable[str]) -> str:
    return f"usage: python -m services.{service.name} {'|'.join(commands)}"


def _help(service: Service, commands: Mapping[str, Command]) -> str:
    """Every command with the first line of what its function is for."""
    lines = [f"  {name:20} {inspect.getdoc(do) or ''}".partition("\n")[0] for name, do in commands.items()]
    return "\n".join((_usage(service, ["COMMAND"]), "", *lines))


def _migrate(service: Service, _: Sequence[str]) -> None:
    """Brings the database to the newest shape, under its owner role."""
    migrate(owner_url(service.name, load(OwnerSettings)), service.versions, service.metadata)
    _compact(service, ())


def _compact(service: Service, _: Sequence[str]) -> None:
    """Lets go of what the log need not keep."""
    with owner_engine(owner_url(service.name, load(OwnerSettings))).begin() as connection:
        compact(connection, system_clock())


def _checkpoint(service: Service, _: Sequence[str]) -> None:
    """Writes a checkpoint of the log now."""
    Checkpoints(service.name, load(CheckpointSettings)).write(system_clock())


def _vault(service: Service, arguments: Sequence[str]) -> None:
    """Rotates, counts and erases keys; `vault --help` names its own commands."""
    vault_command.run(service.name, service.tables.data_keys, service.sealed_fields, arguments)


def build(service: Service, settings: Settings, clock: Clock = system_clock) -> tuple[Server, Resources]:
    """The server of a service, not yet started."""
    connections = settings.connections or settings.threads + 4
    database = Database(settings.database_url, connections=connections, conflicts=service.conflicts)
    vault = configured_vault(service.name, service.tables.data_keys, settings)
    bell = Bell(settings.database_url)
    changes = ChangeLog(service.name, service.tables.log, vault, bell.ring)
    resources = Resources(settings, database, vault, clock, changes)
    resources.closers.append(bell.close)
    find_key = service.find_key(resources) if service.find_key else _published_keys(settings)
    verifier = TokenVerifier(settings.issuer, find_key, clock)
    replies = Replies(service.name, service.tables.kept_replies, vault)
    server = Server(
        service.handlers(resources),
        stages(
            Peers.load(settings.callers_file),
            verifier,
            Revisions(service.name, service.tables.log, database),
            Idempotency(replies),
            service.standing,
        ),
        tls_directory=settings.tls_directory,
        listen=settings.listen,
        health_listen=settings.health_listen,
        clock=clock,
        database=database,
        log=changes,
        threads=settings.threads,
    )
    return server, resources


def following(service: Service, resources: Resources) -> list[Follower]:
    """The followers of what a service keeps of others and reacts to, not yet started."""
    if service.mirrors is None:
        return []
    cursors, settings = service.tables.mirror_cursors, resources.settings
    reactions = service.reactions(resources) if service.reactions else None
    return followers(service.mirrors, cursors, settings, resources.database, resources.changes, reactions)


def _published_keys(settings: Settings) -> FindKey:
    client = Client(settings.identity_address, settings.tls_directory)
    method = Method(oauth_pb2.DESCRIPTOR.services_by_name["OAuthService"].methods_by_name["ListSigningKeys"])

    def fetch() -> str:
        answer: Any = client.call(method, oauth_pb2.ListSigningKeysRequest(), seconds=2)
        return str(answer.jwks_json)

    keys = SigningKeys(fetch, settings.state_directory / "signing-keys.json")
    keys.prepare()
    return keys.find


def _feed(service: Service, _: Sequence[str]) -> None:
    """Tells other services, and the places where checkpoints are kept, what is in the log."""
    settings, checkpoints = load(FeedSettings), Checkpoints(service.name, load(CheckpointSettings))
    stop = threading.Event()
    writing = threading.Thread(target=checkpoints.run, args=(stop,), name="checkpoints")
    writing.start()
    try:
        uvloop.run(feed.serve(service.published, settings))
    finally:
        stop.set()
        writing.join()


def _serve(service: Service, _: Sequence[str]) -> None:
    """Serves the calls until it is told to stop."""
    settings = load(service.settings)
    tracing.configure(service.name)
    server, resources = build(service, settings)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    metrics.serve(settings.metrics_listen)
    server.start()
    for follower in following(service, resources):
        resources.closers.append(follower.close)
        resources.starters.append(follower.start)
    for start in resources.starters:
        start()
    log.event("serving", listen=settings.listen)
    stop.wait()
    server.drain()
    resources.close()
    log.event("stopped")


_PLAIN: Mapping[str, Command] = {
    "migrate": _migrate,
    "serve": _serve,
    "feed": _feed,
    "checkpoint": _checkpoint,
    "compact": _compact,
}
"""What takes no arguments."""

"""Where one service is measured alone: a durable PostgreSQL, certificates, shop services with their databases."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from bench.report import POSTGRES
from comptoir.shop.v1 import shop_pb2
from deploy.local import certificates, files, health, ports
from deploy.local.layout import Layout
from deploy.local.postgres import Cluster
from deploy.local.processes import Kept, Program, Supervisor
from deploy.local.topology import PROJECT, Topology, address, feed_environment, service_environment
from services.chassis.contract import Method
from services.chassis.rpc.client import Client
from services.chassis.testing.postgres import Clone, Databases
from services.chassis.testing.tokens import ISSUER, Mint
from services.shop.service import SHOP

LOGGED, UNLOGGED = "logged", "unlogged"
_CREATE_SHOP = Method(shop_pb2.DESCRIPTOR.services_by_name["ShopService"].methods_by_name["CreateShop"])
_MIRRORED = (
    "insert into mirror_cursors (source, cursor, heard_time, holder, lease_until)"
    " select source, '', now() + interval '1 day', '', null from unnest(array['identity', 'company']) source"
    " on conflict do nothing",
    "insert into known_companies (company, display_name, region_code, time_zone, language_code, generation)"
    " values (%(company)s, 'Les Halles', 'NC', 'Pacific/Noumea', 'fr', '')",
    "insert into known_grants (company, user_id, role, all_shops, shop_ids, suspended, generation)"
    " values (%(company)s, %(user)s, 'ROLE_OWNER', true, '{}', false, '')",
)
"""What the service keeps of others, as if it had just heard of them: they are not there."""
_TOKEN_SECONDS = 200
"""How long a token is used: well below the five minutes it lives."""


@dataclass(frozen=True)
class RunningShop:
    """One process of the shop service, and its database."""

    address: str
    process: Kept
    database: Clone
    environment: dict[str, str]
    """What its process was told."""


class Stand:
    """What is measured runs here, and nothing else: no gateway, no identity; tokens are signed by a key of its own."""

    def __init__(self, directory: Path, supervisor: Supervisor, cluster: Cluster) -> None:
        self.layout = Layout(directory)
        self.supervisor = supervisor
        self.cluster = cluster
        self.mint = Mint()
        self._databases = Databases(cluster.server, self.layout.secrets)
        self._token_key = self.layout.secrets / "token-key.json"
        files.write(self._token_key, json.dumps(self.mint.key.as_dict(private=False)).encode())

    @property
    def processes(self) -> dict[str, int]:
        """PostgreSQL, by the name under which its cost is told apart."""
        assert self.cluster.process
        return {POSTGRES: self.cluster.process.pid}

    def database(self) -> Clone:
        """A fresh database of the shop service."""
        return self._databases.clone(SHOP)

    def certificates(self, name: str) -> Path:
        """The certificate of one service."""
        return self.layout.certificates / name

    def shop(self, name: str, database: Clone, kind: str = LOGGED) -> RunningShop:
        """Starts a shop service, called `name` in the list of processes, on that database."""
        taken = ports.free(ports.DEFAULTS)
        urls = {}
        for role in ("svc", "feed"):
            urls[role] = self.layout.secrets / "shop" / f"{name}-{role}-url"
            files.write(urls[role], database.urls[role].encode())
        environment = {
            **service_environment("shop", self.layout, taken),
            "COMPTOIR_DATABASE_URL_FILE": str(urls["svc"]),
            "COMPTOIR_FEED_DATABASE_URL_FILE": str(urls["feed"]),
            "COMPTOIR_ISSUER": ISSUER,
            "PYTHONUNBUFFERED": "1",
        }
        command = (sys.executable, "-m", "bench.shop", kind, str(self._token_key))
        healthy = partial(health.grpc_serving, address(taken, "shop-health"))
        kept = self.supervisor.start(Program(name, command, environment, healthy, PROJECT))
        kept.wait_healthy()
        return RunningShop(address(taken, "shop"), kept, database, environment)

    def feed(self, name: str, of: RunningShop) -> str:
        """Starts the feed of a shop service; its address."""
        taken = ports.free(ports.DEFAULTS)
        url = "COMPTOIR_FEED_DATABASE_URL_FILE"
        environment = {
            **feed_environment("shop", self.layout, taken),
            url: of.environment[url],
            "PYTHONUNBUFFERED": "1",
        }
        command = (sys.executable, "-m", "services.shop", "feed")
        healthy = partial(health.grpc_serving, address(taken, "shop-feed-health"))
        self.supervisor.start(Program(name, command, environment, healthy, PROJECT)).wait_healthy()
        return address(taken, "shop-feed")

    def open_shop(self, at: RunningShop, company: str, shop_id: str = "") -> shop_pb2.Shop:
        """A new company's shop, opened through the contract."""
        names = {"company": company, "user": self.mint.claims()["sub"]}
        with at.database.administrator() as connection:
            for statement in _MIRRORED:
                connection.execute(statement.encode(), names)
        client = Client(at.address, self.certificates("bootstrap"))
        request = shop_pb2.CreateShopRequest(
            parent=f"companies/{company}", shop=shop_pb2.Shop(display_name="Boutique"), shop_id=shop_id
        )
        try:
            shop = client.call(_CREATE_SHOP, request)
        finally:
            client.close()
        assert isinstance(shop, shop_pb2.Shop)
        return shop

    def owner(self, company: str) -> Owner:
        """Somebody who may do everything in the company."""
        return Owner(self.mint, company)


class Owner:
    """The access token of a company's owner, made anew before it expires."""

    def __init__(self, mint: Mint, company: str) -> None:
        self._mint = mint
        self._company = company
        self._until = 0.0
        self._metadata: tuple[tuple[str, str], ...] = ()

    def metadata(self) -> tuple[tuple[str, str], ...]:
        """The header to send with a call."""
        if time.monotonic() > self._until:
            self._until = time.monotonic() + _TOKEN_SECONDS
            self._metadata = (("authorization", f"Bearer {self._mint.token(company=self._company)}"),)
        return self._metadata


@contextmanager
def stand(directory: Path) -> Iterator[Stand]:
    """A stand in the directory, which it leaves as it is; PostgreSQL writes through to the disk."""
    layout = Layout(directory)
    layout.prepare()
    certificates.ensure(layout.certificates, datetime.now(UTC))
    replace(Topology(), fronts={}).prepare(layout)
    with Supervisor(layout.logs) as supervisor:
        cluster = Cluster(layout.postgres, ports.free([POSTGRES])[POSTGRES], durable=True)
        cluster.start(supervisor)
        _note_commits(cluster, supervisor)
        require_durable(cluster)
        yield Stand(directory, supervisor, cluster)


def _note_commits(cluster: Cluster, supervisor: Supervisor) -> None:
    """Has PostgreSQL note when each transaction was committed, which it does only from a start on."""
    with cluster.server.administrator() as connection:
        connection.execute("alter system set track_commit_timestamp = on")
    assert cluster.process
    cluster.process.stop()
    cluster.start(supervisor)


def require_durable(cluster: Cluster) -> None:
    """Raises unless a commit is on the disk before it is acknowledged: otherwise no figure means anything."""
    with cluster.server.administrator() as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            (value,) = connection.execute(f"show {setting}").fetchone() or ("",)
            if value != "on":
                raise RuntimeError(f"PostgreSQL runs with {setting} {value}")

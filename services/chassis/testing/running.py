"""A service running in this process, on a free port, with mutual TLS and a database of its own."""

from __future__ import annotations

import base64
import secrets
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from google.protobuf.message import Message

from services.chassis.clock import Clock, system_clock
from services.chassis.config import Settings
from services.chassis.contract import Method, every_method
from services.chassis.mirrors.follower import Follower
from services.chassis.rpc.client import Client
from services.chassis.service import Service, build, following
from services.chassis.testing.acquaintance import Acquaintance
from services.chassis.testing.postgres import Clone
from services.chassis.testing.tokens import ISSUER, Mint

CALLERS = Path(__file__).parents[3] / "deploy" / "callers.toml"
M = TypeVar("M", bound=Message)

METHODS: dict[str, Method] = {f"{m.service.rpartition('.')[2]}/{m.name}": m for m in every_method()}
"""Every method by `Service/Method`."""


class Running:
    """The service and clients of it. `call` is how a test speaks to it."""

    def __init__(
        self,
        service: Service,
        database: Clone,
        certificates: Path,
        directory: Path,
        *,
        clock: Clock = system_clock,
        **settings: Any,
    ) -> None:
        self.mint = Mint(clock)
        self.database = database
        self.service = service
        self._certificates = certificates
        kek, url = directory / "kek", directory / "database-url"
        kek.write_text(f"test {base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()}\n")
        kek.chmod(0o600)
        url.write_text(database.urls["svc"])
        chosen: Any = service.settings(
            **{
                "listen": "127.0.0.1:0",
                "health_listen": "127.0.0.1:0",
                "metrics_listen": "127.0.0.1:0",
                "tls_directory": certificates / service.name,
                "callers_file": CALLERS,
                "issuer": ISSUER,
                "identity_address": "127.0.0.1:1",
                "smtp_address": "127.0.0.1:1",
                "database_url_file": url,
                "kek_file": kek,
                "state_directory": directory,
                **settings,
            }
        )
        self.settings: Settings = chosen
        if service.find_key is None:
            service = replace(service, find_key=lambda _: self.mint.find)
        self.server, self.resources = build(service, chosen, clock)
        self._watched = self.resources
        self._followers: list[list[Follower]] = []
        self.server.start()
        self._clients: dict[str, Client] = {}
        self.acquaintance = Acquaintance(service, database)
        self.mint.minted = self.acquaintance.minted

    def client(self, service: str = "gateway") -> Client:
        """A client that presents this service's certificate."""
        if service not in self._clients:
            self._clients[service] = Client(f"127.0.0.1:{self.server.port}", self._certificates / service)
        return self._clients[service]

    def call(
        self,
        method: str,
        request: Message,
        answer: type[M],
        *,
        token: str | None = None,
        service: str = "gateway",
        metadata: dict[str, str] | None = None,
    ) -> M:
        """Calls `Service/Method` as a person (token, through the gateway) or as a service."""
        self.acquaintance.meet(METHODS[method], request, token)
        headers = {**(metadata or {}), **({"authorization": f"Bearer {token}"} if token else {})}
        response = self.client(service).call(METHODS[method], request, metadata=headers)
        assert isinstance(response, answer)
        return response

    def follow(self, **feeds: str) -> None:
        """Keeps its mirrors by these feeds from now on, and knows nothing but what it hears there."""
        self.acquaintance.forget()
        addresses = {f"{source}_feed_address": address for source, address in feeds.items()}
        self._watched = replace(self.resources, settings=self.settings.model_copy(update=addresses))
        self.follow_again()

    def follow_again(self, *, close: bool = True) -> None:
        """Follows as another process of the service would: instead of the present one, or beside it."""
        if close:
            self.unfollow()
        followers = following(self.service, self._watched)
        self._followers.append(followers)
        for follower in followers:
            follower.start()

    def unfollow(self, *, first: bool = False) -> None:
        """Ends the followers, or only those that began first."""
        ending, self._followers = (
            (self._followers[:1], self._followers[1:]) if first else (self._followers, [])
        )
        for follower in (each for followers in ending for each in followers):
            follower.close()

    def stop(self) -> None:
        self.unfollow()
        for client in self._clients.values():
            client.close()
        self.server.drain()
        self.resources.close()
        self.acquaintance.close()

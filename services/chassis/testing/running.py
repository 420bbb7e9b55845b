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
from services.chassis.rpc.client import Client
from services.chassis.service import Service, build
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
        self.mint = Mint()
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
        self.server.start()
        self._clients: dict[str, Client] = {}

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
        headers = {**(metadata or {}), **({"authorization": f"Bearer {token}"} if token else {})}
        response = self.client(service).call(METHODS[method], request, metadata=headers)
        assert isinstance(response, answer)
        return response

    def stop(self) -> None:
        for client in self._clients.values():
            client.close()
        self.server.drain()
        self.resources.close()

"""Every service and the gateway before them in this process, and what two companies need to be strangers there."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
from google.protobuf import json_format
from google.protobuf.message import Message

from services.chassis.contract import Method
from services.chassis.rpc.peers import Peers
from services.chassis.testing.every_service import SERVICES
from services.chassis.testing.running import CALLERS, METHODS, Running
from services.chassis.testing.tokens import ISSUER, Mint
from services.chassis.tokens import LONGEST_LIFE_SECONDS
from services.gateway.app import create_front
from services.gateway.config import GatewaySettings
from services.gateway.front import Front
from services.gateway.routes import Route
from services.gateway.scalars import camel_case
from services.gateway.tests.entrance import entrance
from tests.isolation.wire import CALLS, Answer, Wire, of_http

_UNLIMITED = 1_000_000


class World:
    """The services by name, tokens that all of them believe, and the ways in."""

    def __init__(self, start: Callable[..., Running], certificates: Path, directory: Path) -> None:
        # Its callers are made once, and asked about for longer than a token usually lives.
        self.mint = Mint(life_seconds=LONGEST_LIFE_SECONDS)
        (directory / "images").mkdir()
        self.running: dict[str, Running] = {}
        for name, service in SERVICES.items():
            special: dict[str, Any] = {"media_directory": directory / "images"} if name == "media" else {}
            if name == "identity":
                special["source_tries"] = _UNLIMITED
            believing = replace(service, find_key=lambda _: self.mint.find)
            self.running[name] = start(believing, **special)
        self.mint.minted = self._minted
        ports = {name: each.server.port for name, each in self.running.items()}
        self.wire = Wire(ports, certificates)
        self.peers = Peers.load(CALLERS)
        self._entrance = ExitStack()
        self._web = self._entrance.enter_context(
            entrance(_gateway(ports, certificates, directory, self.mint))
        )
        self._connections: dict[str, psycopg.Connection] = {}

    def _minted(self, token: str, claims: dict[str, Any]) -> None:
        for each in self.running.values():
            each.acquaintance.minted(token, claims)

    def ask(self, name: str, request: Message, *, token: str | None = None, service: str = "gateway") -> Any:
        """The answer of `Service/Method` to somebody who may call it."""
        method = METHODS[name]
        metadata = {"authorization": f"Bearer {token}"} if token else {}
        client = self.running[method.service.split(".")[1]].client(service)
        return client.call(method, request, metadata=metadata, seconds=30)

    def send(
        self, method: Method, request: Message, *, service: str, token: str | None, **metadata: str
    ) -> Answer:
        """One call by gRPC, with all that comes back."""
        carried = {"authorization": f"Bearer {token}"} if token else {}
        return self.wire.call(
            method, request.SerializeToString(), service=service, metadata={**carried, **metadata}
        )

    def fetch(self, route: Route, request: Message, *, token: str | None, **headers: str) -> Answer | None:
        """The same over HTTP; None for what cannot be written as a request of this route."""
        sent = _as_http(route, request)
        if sent is None:
            return None
        CALLS["rest"] += 1
        headers |= {
            "X-Request-Id": "isolation-0001",
            **({"Authorization": f"Bearer {token}"} if token else {}),
        }
        return of_http(self._web.open(method=route.verb, headers=headers, **sent))

    def rows(self, service: str, query: str, *values: object) -> list[tuple[Any, ...]]:
        """What lies in a service's database, seen past every policy."""
        with self._behind(service) as connection:
            return connection.execute(query.encode(), values).fetchall()

    def change(self, service: str, query: str, *values: object) -> None:
        """Writes behind the service's back, as time or another service would."""
        with self._behind(service) as connection:
            connection.execute("set session_replication_role = replica")
            connection.execute(query.encode(), values)
            connection.execute("reset session_replication_role")

    def forget_attempts(self) -> None:
        """Lets go on what is held back for an hour."""
        self.change("identity", "delete from attempts")

    def digests(self, words: list[str], *services: str) -> dict[str, str]:
        """For each table of these services, or of all, a hash of all rows in which any of the words stands."""
        found: dict[str, str] = {}
        for service in services or tuple(self.running):
            tables = self.rows(service, _TABLES)
            parts = [
                f"select '{service}.{name}', md5(string_agg(t::text, ' ' order by t::text)) from {name} t"
                " where t::text ~ %s"
                for (name,) in tables
            ]
            pattern = "|".join(map(re.escape, words))
            found |= dict(self.rows(service, " union all ".join(parts), *([pattern] * len(parts))))
        return found

    @contextmanager
    def _behind(self, service: str) -> Iterator[psycopg.Connection]:
        if service not in self._connections:
            self._connections[service] = self.running[service].database.administrator()
            self._connections[service].autocommit = True
        yield self._connections[service]

    def close(self) -> None:
        for connection in self._connections.values():
            connection.close()
        self.wire.close()
        self._entrance.close()


_TABLES = """select relname::text from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'
order by relname"""


def _gateway(ports: Mapping[str, int], certificates: Path, directory: Path, mint: Mint) -> Front:
    (directory / "cookie-key").write_text("made-up-key-for-tests-0123456789-0123456789")
    addresses: Any = {f"{name}_address": f"127.0.0.1:{port}" for name, port in ports.items()}
    settings = GatewaySettings(
        listen="127.0.0.1:0",
        metrics_listen="127.0.0.1:0",
        web_tls_directory=certificates / "web",
        tls_directory=certificates / "gateway",
        cookie_key_file=directory / "cookie-key",
        issuer=ISSUER,
        state_directory=directory,
        rate_per_second=_UNLIMITED,
        rate_burst=_UNLIMITED,
        **addresses,
    )
    return create_front(settings, find_key=mint.find)


def _as_http(route: Route, request: Message) -> dict[str, Any] | None:
    """Path, query and body that say what the message says."""
    try:
        said: dict[str, Any] = json_format.MessageToDict(request)
    except json_format.SerializeToJsonError:
        # There are messages that JSON has no words for, such as a mask in capitals.
        return None
    path = route.template.text
    for field, pattern in route.template.variables.items():
        *steps, last = field.split(".")
        holder = said
        for step in steps:
            holder = holder.get(camel_case(step), {})
        value = str(holder.pop(camel_case(last), ""))
        if not re.fullmatch(pattern.replace("*", "[^/:?#]+"), value):
            return None
        path = path.replace(f"{{{field}={pattern}}}", value)
    if route.takes_bytes:
        content = getattr(request, route.body)
        return {"path": path, "data": content, "content_type": "application/octet-stream"}
    body: dict[str, Any] = {}
    if route.body:
        chosen = said if route.body == "*" else said.pop(camel_case(route.body), {})
        body = {"data": json.dumps(chosen), "content_type": "application/json"}
    query = {field.json_name: said[field.json_name] for field in route.query if field.json_name in said}
    return {"path": path, "query_string": query, **body}

"""The gateway as its own processes: https, hostile connections, a graceful end, a sudden one."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import ssl
import sys
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from http.client import HTTPSConnection
from pathlib import Path

import pytest

from comptoir.shop.v1 import shop_pb2
from deploy.local import health, ports
from deploy.local.processes import Kept, Program
from services.chassis.testing.running import Running
from services.chassis.testing.tokens import ISSUER
from services.gateway.tests.door import NOWHERE
from services.shop.service import SHOP

PROJECT = Path(__file__).parents[3]
PATIENCE_SECONDS = 30.0


@dataclass
class Gateway:
    """A running gateway and the shop service behind it."""

    kept: Kept
    port: int
    metrics_port: int
    tls: ssl.SSLContext
    shop: Running

    def connect(self) -> ssl.SSLSocket:
        connection = socket.create_connection(("localhost", self.port), PATIENCE_SECONDS)
        return self.tls.wrap_socket(connection, server_hostname="localhost")

    def get(self, path: str, token: str = "") -> tuple[int, bytes]:
        connection = HTTPSConnection("localhost", self.port, timeout=PATIENCE_SECONDS, context=self.tls)
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, content

    def opened(self) -> str:
        request = shop_pb2.CreateShopRequest(
            parent="companies/acme", shop=shop_pb2.Shop(display_name="Boutique du port")
        )
        shop = self.shop.call("ShopService/CreateShop", request, shop_pb2.Shop, service="bootstrap")
        return f"/v1/{shop.name}"

    def begin_change(self, path: str, length: int) -> ssl.SSLSocket:
        """Sends the head of a PATCH and waits until its body is asked for: from then on it is being read."""
        connection = self.connect()
        head = (
            f"PATCH {path} HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
            f"Authorization: Bearer {self.shop.mint.token()}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        )
        connection.sendall(head.encode())
        assert connection.recv(4096).startswith(b"HTTP/1.1 100 ")
        return connection


@pytest.fixture
def gateway(run_service: Callable[..., Running], certificates: Path, tmp_path: Path) -> Iterator[Gateway]:
    shop = run_service(SHOP)
    chosen = ports.free(["web", "metrics"])
    (tmp_path / "cookie-key").write_text("made-up-key-for-tests-0123456789-0123456789")
    keys = {"keys": [shop.mint.key.as_dict(private=False)]}
    (tmp_path / "signing-keys.json").write_text(json.dumps(keys))
    environment = {
        "PATH": os.defpath,
        "COMPTOIR_LISTEN": f"127.0.0.1:{chosen['web']}",
        "COMPTOIR_METRICS_LISTEN": f"127.0.0.1:{chosen['metrics']}",
        "COMPTOIR_WEB_TLS_DIRECTORY": str(certificates / "web"),
        "COMPTOIR_TLS_DIRECTORY": str(certificates / "gateway"),
        "COMPTOIR_COOKIE_KEY_FILE": str(tmp_path / "cookie-key"),
        "COMPTOIR_ISSUER": ISSUER,
        "COMPTOIR_STATE_DIRECTORY": str(tmp_path),
        **{f"COMPTOIR_{name}_ADDRESS": NOWHERE for name in ("IDENTITY", "COMPANY", "MEDIA", "INBOX")},
        "COMPTOIR_SHOP_ADDRESS": f"127.0.0.1:{shop.server.port}",
    }
    program = Program(
        "gateway",
        (sys.executable, "-m", "services.gateway"),
        environment,
        partial(health.https_ok, chosen["web"], certificates / "ca.pem"),
        PROJECT,
    )
    kept = Kept(program, tmp_path / "gateway.log")
    kept.start()
    try:
        kept.wait_healthy()
        tls = ssl.create_default_context(cafile=str(certificates / "ca.pem"))
        yield Gateway(kept, chosen["web"], chosen["metrics"], tls, shop)
    finally:
        kept.stop()


def test_it_serves_over_https_and_survives_what_clients_do(gateway: Gateway) -> None:
    """One start for all that leaves it running."""
    shop, token = gateway.opened(), gateway.shop.mint.token()

    assert gateway.get(shop, token)[0] == 200
    assert _protocol(gateway, ["h2", "http/1.1"]) == "h2"
    assert _protocol(gateway, ["http/1.1"]) == "http/1.1"
    _stalled_bodies_hold_up_nobody(gateway, shop)
    _a_chunked_body_arrives(gateway, shop)
    _a_header_that_is_no_text_is_named(gateway, shop)
    assert _status_line(
        gateway, b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: " + b"a" * 65536 + b"\r\n\r\n"
    ) in (431, None)
    assert _status_line(gateway, b"\0\1\2\r\n\r\n") == 400
    assert _status_line(gateway, b"GET //v1/../%ff%00 HTTP/1.1\r\nHost: [\r\n\r\n") == 404
    assert (
        _status_line(gateway, b"PATCH /v1/x HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n") == 413
    )
    assert gateway.get(shop, token)[0] == 200

    metrics = urllib.request.urlopen(f"http://127.0.0.1:{gateway.metrics_port}/metrics").read().decode()
    assert 'comptoir_http_seconds_count{route="GET /v1/{name=companies/*/shops/*}"}' in metrics
    lines = [json.loads(line) for line in gateway.kept.log.read_text().splitlines()]
    assert any(line["event"] == "request" and line["status"] == 413 for line in lines)
    assert token not in gateway.kept.log.read_text()


def test_it_finishes_what_is_under_way_before_it_ends(gateway: Gateway) -> None:
    body = b'{"displayName": "Last words"}'
    shop = gateway.opened()
    connection = gateway.begin_change(shop, len(body))

    os.kill(gateway.kept.pid, signal.SIGTERM)
    connection.sendall(body)
    answer = _read(connection)

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"Last words" in answer


def test_before_it_ends_it_asks_those_who_keep_a_connection_to_let_go(gateway: Gateway) -> None:
    connection = HTTPSConnection("localhost", gateway.port, timeout=PATIENCE_SECONDS, context=gateway.tls)

    def answered(path: str = "/openapi.json") -> tuple[int, str]:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.headers.get("Connection", "")

    before = answered()
    os.kill(gateway.kept.pid, signal.SIGTERM)
    answers = [before]
    while answers[-1] == (200, ""):
        answers.append(answered())

    assert before == (200, "")
    assert answers[-1] == (200, "close")
    # Whoever asks before they send it something new sends it nothing.
    assert answered("/healthz") == (503, "close")


def test_nothing_goes_on_answering_after_its_parent_was_killed(gateway: Gateway) -> None:
    idle = gateway.connect()
    gateway.kept.kill()

    with contextlib.suppress(ConnectionResetError):
        assert idle.recv(1) == b""
    gateway.kept.wait_healthy()
    assert gateway.get("/healthz") == (200, b"ok\n")


def _stalled_bodies_hold_up_nobody(gateway: Gateway, shop: str) -> None:
    stalled = [gateway.begin_change(shop, 1000) for _ in range(40)]
    assert gateway.get("/healthz") == (200, b"ok\n")
    assert gateway.get(shop, gateway.shop.mint.token())[0] == 200
    for connection in stalled:
        connection.close()


def _a_chunked_body_arrives(gateway: Gateway, shop: str) -> None:
    head = (
        f"PATCH {shop} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
        f"Authorization: Bearer {gateway.shop.mint.token()}\r\nContent-Type: application/json\r\n\r\n"
    )
    chunks = b'8\r\n{"displa\r\nd\r\nyName": "Qu"}\r\n0\r\n\r\n'
    connection = gateway.connect()
    connection.sendall(head.encode() + chunks)
    assert b'"displayName":"Qu"' in _read(connection)
    connection.close()


def _a_header_that_is_no_text_is_named(gateway: Gateway, shop: str) -> None:
    head = (
        f"PATCH {shop} HTTP/1.1\r\nHost: localhost\r\nIdempotency-Key: clé\r\nContent-Length: 2\r\n\r\n{{}}"
    )
    connection = gateway.connect()
    connection.sendall(head.encode())
    answer = _read(connection)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b'"field":"idempotency-key"' in answer.replace(b": ", b":")
    connection.close()


def _protocol(gateway: Gateway, offered: list[str]) -> str | None:
    gateway.tls.set_alpn_protocols(offered)
    connection = gateway.connect()
    chosen = connection.selected_alpn_protocol()
    connection.close()
    gateway.tls.set_alpn_protocols(["http/1.1"])
    return chosen


def _status_line(gateway: Gateway, request: bytes) -> int | None:
    """The status answered; None if the server closed the connection while too much was still being sent."""
    connection = gateway.connect()
    try:
        connection.sendall(request)
        line = connection.recv(4096)
    except OSError:
        return None
    finally:
        connection.close()
    return int(line.split(b" ")[1])


def _read(connection: ssl.SSLSocket) -> bytes:
    """Head and body of one answer."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(4096)
    head, _, content = received.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    while len(content) < length:
        content += connection.recv(4096)
    return head + b"\r\n\r\n" + content

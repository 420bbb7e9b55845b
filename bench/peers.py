"""What the suite is compared with: the least that grpcio, and Flask on granian, can do over the same TLS.

`python -m bench.peers echo|hello PORT CERTIFICATES`: one process of 4 threads, as a service or the gateway has.
"""

from __future__ import annotations

import signal
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import grpc
from flask import Flask
from granian import Granian
from granian.constants import Interfaces

from comptoir.shop.v1 import shop_pb2
from deploy.local import ports
from deploy.local.processes import Kept, Program, Supervisor
from deploy.local.topology import PROJECT
from services.chassis import tls

THREADS = 4
ECHO = "/bench.Peer/Echo"

hello = Flask(__name__)


@hello.get("/")
def _hello() -> str:
    return "hello"


def serve_hello(port: int, certificates: Path) -> None:
    """A page of one word, on granian."""
    Granian(
        "bench.peers:hello",
        address=ports.LOOPBACK,
        port=port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=THREADS,
        ssl_cert=certificates / "tls.crt",
        ssl_key=certificates / "tls.key",
        log_access=False,
    ).serve()


def serve_echo(port: int, certificates: Path) -> None:
    """Gives a shop back as it came: parsed, and written again, as any generated servicer would."""
    server = grpc.server(ThreadPoolExecutor(THREADS))
    handler = grpc.unary_unary_rpc_method_handler(
        lambda shop, context: shop,
        request_deserializer=shop_pb2.Shop.FromString,
        response_serializer=shop_pb2.Shop.SerializeToString,
    )
    service, method = ECHO.strip("/").split("/")
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(service, {method: handler})])
    server.add_secure_port(f"{ports.LOOPBACK}:{port}", tls.server_credentials(certificates))
    server.start()
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    server.stop(0).wait()


def start(supervisor: Supervisor, kind: str, certificates: Path) -> tuple[int, Kept]:
    """Starts a peer of a kind, `echo` or `hello`, with these certificates; its port, and the process."""
    port = ports.free([kind])[kind]
    command = (sys.executable, "-m", "bench.peers", kind, str(port), str(certificates))
    program = Program(kind, command, {"PYTHONUNBUFFERED": "1"}, partial(_listens, port), PROJECT)
    kept = supervisor.start(program)
    kept.wait_healthy()
    return port, kept


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((ports.LOOPBACK, port)) == 0


if __name__ == "__main__":
    {"echo": serve_echo, "hello": serve_hello}[sys.argv[1]](int(sys.argv[2]), Path(sys.argv[3]))

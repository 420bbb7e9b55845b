"""The process that starts the others: https by Granian, one process a core, and the metrics of them all."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from granian import Granian
from granian.constants import HTTPModes, Interfaces, Loops, SSLProtocols
from granian.http import HTTP1Settings, HTTP2Settings
from granian.log import LogLevels
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector

from services.chassis import log
from services.chassis.config import ConfigError, load
from services.gateway.config import GatewaySettings
from services.gateway.front import DRAINS

_GRACE_SECONDS = 15
_DRAIN_SECONDS = 2.0
"""How long a proxy has to send something over each connection that it keeps."""
_MOST_CONNECTIONS = 4096
_LARGEST_HEADERS = 32 * 1024
_HEADERS_MILLISECONDS = 10_000
_LOGS: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "loggers": {"_granian": {"level": "WARNING", "handlers": [], "propagate": True}},
}


def serve() -> None:
    """Serves until SIGTERM or SIGINT, then finishes what is under way."""
    log.configure("gateway")
    try:
        settings = load(GatewaySettings)
    except ConfigError as error:
        sys.exit(f"gateway cannot start:\n{error}")
    # Forked workers would inherit this process's threads' locks, and gRPC's state.
    multiprocessing.set_start_method("spawn")
    directory = settings.state_directory / "metrics"
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(directory)
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    server = _server(settings)
    server.on_startup(lambda: _serve_metrics(settings.metrics_listen, directory))
    server.on_startup(lambda: _drain_first(server))
    server.serve()
    log.event("stopped")


def _server(settings: GatewaySettings) -> Any:
    host, port = _place(settings.listen)
    return Granian(
        "services.gateway.worker:application",
        factory=True,
        address=host,
        port=port,
        interface=Interfaces.RSGI,
        loop=Loops.uvloop,
        workers=settings.workers,
        http=HTTPModes.auto,
        websockets=False,
        backlog=_MOST_CONNECTIONS,
        backpressure=_MOST_CONNECTIONS,
        http1_settings=HTTP1Settings(
            header_read_timeout=_HEADERS_MILLISECONDS, max_buffer_size=_LARGEST_HEADERS
        ),
        http2_settings=HTTP2Settings(
            max_headers_size=_LARGEST_HEADERS,
            max_concurrent_streams=100,
            keep_alive_interval=60_000,
        ),
        log_level=LogLevels.warning,
        log_dictconfig=_LOGS,
        ssl_cert=settings.web_tls_directory / "tls.crt",
        ssl_key=settings.web_tls_directory / "tls.key",
        ssl_protocol_min=SSLProtocols.tls12,
        respawn_failed_workers=True,
        respawn_interval=0.1,
        workers_kill_timeout=_GRACE_SECONDS,
    )


def _drain_first(server: Any) -> None:
    """At SIGTERM, goes on for a moment in which every answer asks for its connection to be closed."""

    def drain(*_: Any) -> None:
        # Whoever asks twice does not want to wait.
        signal.signal(signal.SIGTERM, server.signal_handler_interrupt)
        for worker in multiprocessing.active_children():
            if worker.pid is not None:
                os.kill(worker.pid, DRAINS)
        ending = threading.Timer(_DRAIN_SECONDS, server.signal_handler_interrupt)
        ending.daemon = True
        ending.start()

    signal.signal(signal.SIGTERM, drain)


def _serve_metrics(address: str, directory: Path) -> None:
    """All workers' metrics, which they leave in files."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(directory))  # type: ignore[no-untyped-call]
    host, port = _place(address)
    start_http_server(port, addr=host, registry=registry)


def _place(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)

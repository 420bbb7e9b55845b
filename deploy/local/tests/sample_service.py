"""The smallest service the platform can run: it counts its migrations in its database and serves its health."""

import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import psycopg
from grpc_health.v1 import health, health_pb2, health_pb2_grpc


def _migrate() -> None:
    url = Path(os.environ["COMPTOIR_OWNER_DATABASE_URL_FILE"]).read_text()
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS migration (at timestamptz DEFAULT now())")
        connection.execute("INSERT INTO migration DEFAULT VALUES")


def _serve() -> None:
    psycopg.connect(Path(os.environ["COMPTOIR_DATABASE_URL_FILE"]).read_text()).close()
    server = grpc.server(ThreadPoolExecutor(1))
    servicer = health.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    if "COMPTOIR_SAMPLE_UNHEALTHY" not in os.environ:
        servicer.set("", health_pb2.HealthCheckResponse.SERVING)
    server.add_insecure_port(os.environ["COMPTOIR_HEALTH_LISTEN"])
    server.start()
    signal.sigwait({signal.SIGTERM})
    server.stop(None).wait()


if __name__ == "__main__":
    # Blocked before any thread starts, so that it waits for the one that asks for it.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    {"migrate": _migrate, "serve": _serve}[sys.argv[1]]()

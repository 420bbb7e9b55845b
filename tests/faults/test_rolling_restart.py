"""Gateways that are restarted one after the other behind a stock proxy, which sends nothing twice: no request fails."""

from __future__ import annotations

import shutil
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import requests

from deploy.local import ports
from deploy.local.platforms import Platform
from deploy.local.ports import LOOPBACK
from deploy.local.processes import Kept, Supervisor
from deploy.local.topology import origin
from services.chassis.testing.waiting import until
from tests.faults.visitor import GENEROUS_SECONDS, Visitor

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("haproxy") is None, reason="needs haproxy"),
]

# It tries another server only if no byte was sent to the first: `conn-failure`, its own default. And it sends each
# request over a connection of its own, since a server may end an idle one while a request is on its way.
_PROXY = """
defaults
  mode http
  option http-server-close
  timeout connect 2s
  timeout client 60s
  timeout server 60s
  retries 5
  option redispatch 1
  retry-on conn-failure
frontend all
  bind {loopback}:{port}
  default_backend gateways
backend gateways
  balance roundrobin
  server one {loopback}:{one} ssl verify none check inter 500ms
  server two {loopback}:{two} ssl verify none check inter 500ms
"""
_ROUNDS = 2


@contextmanager
def second_gateway(platform: Platform, directory: Path) -> Iterator[Kept]:
    """A further process of the same front, with the same issuer."""
    found = ports.free({"gateway": 1, "gateway-metrics": 2})
    programs = platform.topology.programs(platform.layout, {**platform.ports, **found})
    program = next(each for each in programs if each.name == "gateway")
    own = {"COMPTOIR_ISSUER": origin(platform.ports, "gateway"), "COMPTOIR_STATE_DIRECTORY": str(directory)}
    with Supervisor(directory) as supervisor:
        kept = supervisor.start(replace(program, environment={**program.environment, **own}))
        kept.wait_healthy()
        yield kept


@contextmanager
def proxy(directory: Path, one: int, two: int) -> Iterator[str]:
    """Where the stock proxy listens, once it serves."""
    port = ports.free({"proxy": 1})["proxy"]
    settings = directory / "haproxy.cfg"
    settings.write_text(_PROXY.format(loopback=LOOPBACK, port=port, one=one, two=two))
    with subprocess.Popen(["haproxy", "-db", "-f", settings], stderr=subprocess.DEVNULL) as process:
        try:
            yield f"http://{LOOPBACK}:{port}"
        finally:
            process.terminate()


def _restarted(kept: Kept) -> None:
    before = kept.pid
    kept.kill(signal.SIGTERM)
    until(lambda: kept.pid != before, "another process is there", GENEROUS_SECONDS)
    kept.wait_healthy()


def _has_served(statuses: Counter[int | str], count: int) -> bool:
    return statuses.total() > count


def gateway_port(kept: Kept) -> int:
    return int(kept.program.environment["COMPTOIR_LISTEN"].rpartition(":")[2])


def test_no_request_fails_while_one_gateway_after_the_other_is_restarted(
    faulty: Platform, visitor: Visitor, tmp_path: Path
) -> None:
    statuses: Counter[int | str] = Counter()
    enough = threading.Event()
    with second_gateway(faulty, tmp_path) as second:
        first = faulty.process("gateway")
        with proxy(tmp_path, gateway_port(first), gateway_port(second)) as address:
            through = replace(visitor, merchant=replace(visitor.merchant, gateway=address))

            def is_served() -> bool:
                try:
                    return through.reads_shop().status == 200
                except requests.RequestException:
                    return False

            until(is_served, "the proxy serves", GENEROUS_SECONDS)

            def work() -> None:
                while not enough.is_set():
                    for does in (through.reads_shop, through.renames_shop):
                        try:
                            statuses[does().status] += 1
                        except requests.RequestException as error:
                            statuses[type(error).__name__] += 1

            workers = [threading.Thread(target=work) for _ in range(3)]
            for worker in workers:
                worker.start()
            try:
                for kept in (first, second) * _ROUNDS:
                    _restarted(kept)
                    until(
                        partial(_has_served, statuses, statuses.total() + 20),
                        "work goes on",
                        GENEROUS_SECONDS,
                    )
            finally:
                enough.set()
                for worker in workers:
                    worker.join()

    assert set(statuses) == {200}, statuses

"""The stock proxy before two processes of a kind: it tries another one only if no byte was sent to the first."""

from __future__ import annotations

import csv
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from deploy.local import ports
from deploy.local.ports import LOOPBACK

# What it retries on is its own default. It asks each how it is, and sends nothing new to one that is about to end. Each
# request has a connection of its own, since a server may end an idle one while a request is on its way.
BY_REQUEST = """
  mode http
  option http-server-close
  retry-on conn-failure
  option httpchk GET /healthz
  default-server ssl verify none inter 200ms fall 1
"""
BY_CONNECTION = """
  mode tcp
  default-server inter 500ms
"""
"""As an orchestrator's virtual address does it, before what speaks gRPC over mutual TLS."""
_SETTINGS = """
defaults{kind}
  timeout connect 2s
  timeout client 60s
  timeout server 60s
  retries 5
  option redispatch 1
frontend all
  bind {loopback}:{port}
  default_backend both
backend both
  balance roundrobin
  server one {loopback}:{one} check
  server two {loopback}:{two} check
frontend told
  mode http
  bind {loopback}:{told}
  stats enable
  stats uri /
"""


@dataclass(frozen=True)
class Proxy:
    """One that runs."""

    address: str
    """The "host:port" where it listens."""
    told: str
    """Where it says what it knows."""

    def has_both(self) -> bool:
        """Whether it sends requests to both: only then may the next one be restarted."""
        rows = csv.DictReader(requests.get(f"{self.told}/;csv", timeout=5).text.lstrip("# ").splitlines())
        return {row["svname"] for row in rows if row["status"] == "UP"} >= {"one", "two"}


@contextmanager
def proxy(directory: Path, kind: str, one: int, two: int) -> Iterator[Proxy]:
    """A proxy before the processes that listen on these ports."""
    free = ports.free(["proxy", "told"])
    settings = directory / "haproxy.cfg"
    settings.write_text(
        _SETTINGS.format(
            kind=kind, loopback=LOOPBACK, port=free["proxy"], told=free["told"], one=one, two=two
        )
    )
    with subprocess.Popen(["haproxy", "-db", "-f", settings], stderr=subprocess.DEVNULL) as process:
        try:
            yield Proxy(f"{LOOPBACK}:{free['proxy']}", f"http://{LOOPBACK}:{free['told']}")
        finally:
            process.terminate()

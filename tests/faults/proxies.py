"""The stock proxy before two processes of a kind: it tries another one only if no byte was sent to the first."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.local import ports
from deploy.local.ports import LOOPBACK

# `conn-failure` is its own default. And it sends each request over a connection of its own, since a server may end
# an idle one while a request is on its way.
BY_REQUEST = """
  mode http
  option http-server-close
  retry-on conn-failure
  default-server ssl verify none
"""
BY_CONNECTION = """
  mode tcp
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
  server one {loopback}:{one} check inter 500ms
  server two {loopback}:{two} check inter 500ms
"""


@contextmanager
def proxy(directory: Path, kind: str, one: int, two: int) -> Iterator[str]:
    """The "host:port" where it listens."""
    port = ports.free(["proxy"])["proxy"]
    settings = directory / "haproxy.cfg"
    settings.write_text(_SETTINGS.format(kind=kind, loopback=LOOPBACK, port=port, one=one, two=two))
    with subprocess.Popen(["haproxy", "-db", "-f", settings], stderr=subprocess.DEVNULL) as process:
        try:
            yield f"{LOOPBACK}:{port}"
        finally:
            process.terminate()

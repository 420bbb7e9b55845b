"""Starts npm `oidc-provider` on a free port of loopback, its packages installed as locked."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import partial
from pathlib import Path

import requests

from deploy.local import ports
from deploy.local.processes import Kept, Program, Supervisor

_HERE = Path(__file__).parent


class NodeMissing(Exception):
    """There is no Node on this machine."""


def start(supervisor: Supervisor, certificates: Path, authority: Path, secret: str) -> tuple[int, Kept]:
    """Starts it with these certificates and a client `bench` of that secret; its port, and the process."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise NodeMissing("Node and npm are not installed (Debian: apt install nodejs npm)")
    install = (npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
    subprocess.run(install, cwd=_HERE, check=True, timeout=300, stdout=subprocess.DEVNULL)
    port = ports.free(["oidc-provider"])["oidc-provider"]
    command = (node, "server.mjs", str(port), str(certificates))
    environment = {"PATH": os.defpath, "NODE_ENV": "production", "CLIENT_SECRET": secret}
    healthy = partial(_healthy, f"https://localhost:{port}/.well-known/openid-configuration", authority)
    kept = supervisor.start(Program("oidc-provider", command, environment, healthy, _HERE))
    kept.wait_healthy()
    return port, kept


def _healthy(address: str, authority: Path) -> bool:
    with requests.Session() as session:
        session.trust_env = False
        try:
            return session.get(address, verify=str(authority), timeout=2).ok
        except requests.RequestException:
            return False

"""An etcd of one member, on free ports of loopback, with our certificates and a data directory of its own."""

from __future__ import annotations

import http.client
import os
import shutil
import ssl
from functools import partial
from pathlib import Path

from deploy.local import ports
from deploy.local.ports import LOOPBACK
from deploy.local.processes import Program, Supervisor

NAME = "etcd"


class EtcdMissing(Exception):
    """There is no etcd on this machine."""


def start(supervisor: Supervisor, data: Path, certificates: Path, client: Path) -> str:
    """Starts etcd with its data in a new directory `data`; the address of its API.

    Mutual TLS under the certificates given. It writes through to the disk before it answers, which is its default.
    """
    program = shutil.which(NAME)
    if program is None:
        raise EtcdMissing("etcd is not installed (Debian: apt install etcd-server)")
    taken = ports.free(("etcd", "etcd-peer"))
    address, peer = (f"{LOOPBACK}:{port}" for port in taken.values())
    data.mkdir(mode=0o700)
    command = (
        *(program, "--name", NAME, "--data-dir", str(data), "--log-outputs", "stderr", "--logger", "zap"),
        *("--listen-client-urls", f"https://{address}", "--advertise-client-urls", f"https://{address}"),
        *("--listen-peer-urls", f"http://{peer}", "--initial-advertise-peer-urls", f"http://{peer}"),
        *("--initial-cluster", f"{NAME}=http://{peer}", "--client-cert-auth"),
        *("--cert-file", str(certificates / "tls.crt"), "--key-file", str(certificates / "tls.key")),
        *("--trusted-ca-file", str(certificates / "ca.crt")),
    )
    environment = {"PATH": os.defpath, "HOME": str(data)}
    kept = supervisor.start(Program(NAME, command, environment, partial(_healthy, address, client), data))
    kept.wait_healthy()
    return address


def _healthy(address: str, client: Path) -> bool:
    context = ssl.create_default_context(cafile=str(client / "ca.crt"))
    context.load_cert_chain(client / "tls.crt", client / "tls.key")
    connection = http.client.HTTPSConnection(address, timeout=2, context=context)
    try:
        connection.request("GET", "/health")
        return b"true" in connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()

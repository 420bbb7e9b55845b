"""A platform that runs: for developers through `python -m deploy.local`, for journey tests as a context."""

import json
import logging
import os
import signal
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from deploy.local import certificates, databases, files, lock, ports, servers
from deploy.local.layout import Layout
from deploy.local.postgres import Cluster
from deploy.local.processes import Kept, Supervisor
from deploy.local.servers import Server
from deploy.local.topology import Topology, address, origin

_log = logging.getLogger(__name__)


class Platform:
    """PostgreSQL, the mail sink, every service and the gateway, healthy inside the `with` block.

    Everything it keeps is below `directory` and found again by the next start. Raises `CannotStart`, with
    nothing left running.
    """

    def __init__(
        self,
        directory: Path,
        wanted: Mapping[str, int] | None = None,
        *,
        topology: Topology | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        """`wanted`: a port for each name, by default what `ports.chosen` says."""
        self.layout = Layout(directory.absolute())
        self.topology = topology or Topology()
        self.ports = dict(wanted or ports.chosen(environ))
        self.description: dict[str, Any] = {}
        self._environ = environ
        self._running = ExitStack()
        self._supervisor: Supervisor | None = None

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            self._start(starting)
            self._running = starting.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._running.close()

    @property
    def addresses(self) -> dict[str, str]:
        """Each gRPC service's "host:port"."""
        return {name: address(self.ports, name) for name in self.topology.services}

    @property
    def feeds(self) -> dict[str, str]:
        """Where each service is watched."""
        return {name: address(self.ports, f"{name}-feed") for name in self.topology.fed()}

    def process(self, name: str) -> Kept:
        """One process, by the name of its log: "postgres", "mail", a service, "gateway"."""
        if self._supervisor is None:
            raise LookupError("the platform was not started")
        return self._supervisor[name]

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Sends a signal to one process; `process(name).wait_healthy()` waits until it is back."""
        self.process(name).kill(number)

    def _start(self, stack: ExitStack) -> None:
        self.layout.prepare()
        descriptor = stack.enter_context(lock.held(self.layout.lock))
        self.layout.description.unlink(missing_ok=True)
        external = self._environ.get("COMPTOIR_POSTGRES_URL", "")
        names = [*self.topology.port_names(), *([] if external else ["postgres"])]
        ports.require_free({name: self.ports[name] for name in names})
        certificates.ensure(self.layout.certificates, datetime.now(UTC))
        self.topology.prepare(self.layout)
        self._supervisor = stack.enter_context(Supervisor(self.layout.logs, (descriptor,)))
        _log.info("Starting PostgreSQL")
        server = servers.existing(external) if external else self._cluster(self._supervisor)
        databases.provide(server, self.topology.services, self.layout.secrets)
        self._migrate(self._supervisor)
        self._serve(self._supervisor)
        self.description = {**self._places(), **self.topology.demonstrate(self)}
        files.write(self.layout.description, json.dumps(self.description, indent=2).encode())
        stack.callback(self.layout.description.unlink, missing_ok=True)

    def _cluster(self, supervisor: Supervisor) -> Server:
        cluster = Cluster(self.layout.postgres, self.ports["postgres"], self._environ)
        cluster.start(supervisor)
        return cluster.server

    def _migrate(self, supervisor: Supervisor) -> None:
        _log.info("Bringing the databases up to date")
        supervisor.run(self.topology.migrations(self.layout))

    def _serve(self, supervisor: Supervisor) -> None:
        programs = self.topology.programs(self.layout, self.ports)
        _log.info("Starting %s", ", ".join(program.name for program in programs))
        started = [supervisor.start(program) for program in programs]
        for kept in started:
            kept.wait_healthy()

    def _listening(self, what: str) -> dict[str, str]:
        """Addresses of the ports of this kind, by the process that listens there."""
        found = [name for name in self.ports if name.endswith(what)]
        return {name.removesuffix(what): address(self.ports, name) for name in found}

    def _places(self) -> dict[str, Any]:
        return {
            **{front: origin(self.ports, front) for front in self.topology.fronts},
            "mail": origin(self.ports, "mail"),
            "grpc": self.addresses,
            "feeds": self.feeds,
            "health": self._listening("-health"),
            "metrics": self._listening("-metrics"),
            "ca": str(self.layout.authority),
            "logins": [],
            "clients": [],
        }

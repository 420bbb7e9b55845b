"""Which processes make up the platform, and exactly what each is told through its environment.

The environment holds addresses and paths, never a secret: those stay in files that only their owner can read.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy.local import certificates, databases, demonstration, files, health
from deploy.local.layout import Layout
from deploy.local.ports import LOOPBACK, SERVICES
from deploy.local.processes import Program
from services.chassis.changes.checkpoint_files import new_key
from services.chassis.vault.kek_rotation import add_generation

if TYPE_CHECKING:
    from deploy.local.platforms import Platform

PROJECT = Path(__file__).resolve().parents[2]

_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "PYTHONDONTWRITEBYTECODE")
# Whom each service watches, to keep mirrors and to react.
_WATCHED: Mapping[str, tuple[str, ...]] = {
    "identity": ("company",),
    "company": ("identity", "shop"),
    "shop": ("identity", "company"),
    "media": ("identity", "shop"),
    "inbox": ("identity", "company", "shop", "media"),
}
_CALLERS = str(PROJECT / "deploy" / "callers.toml")
_SEND_MAIL = ("identity", "shop", "inbox")

Ports = Mapping[str, int]


@dataclass(frozen=True)
class Topology:
    """The platform's processes, by the Python module that each runs."""

    services: Mapping[str, str] = field(
        default_factory=lambda: {name: f"services.{name}" for name in SERVICES}
    )
    fronts: Mapping[str, str] = field(default_factory=lambda: {"gateway": "services.gateway"})
    """What is reached over https: the gateway, and the Back Office where there is one."""

    demonstrate: Callable[[Platform], dict[str, Any]] = demonstration.load
    """Fills the healthy platform and returns what its description gets besides the addresses."""

    feeds: Sequence[str] = SERVICES
    """The services that others watch, each by a feed beside it."""

    extra: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """What processes are told beside their settings, by the names of their logs: fault points in tests."""

    def port_names(self) -> list[str]:
        """Every port the processes listen on; the database's is not among them."""
        listeners = [name for service in self.services for name in (service, f"{service}-health")]
        metrics = [f"{name}-metrics" for name in (*self.fronts, *self.services)]
        feeds = [f"{name}-feed{part}" for name in self.fed() for part in ("", "-health", "-metrics")]
        return [*self.fronts, "mail", "smtp", *listeners, *metrics, *feeds]

    def prepare(self, layout: Layout) -> None:
        """Makes, once, each process's directories and the key it is given as a file."""
        for name in (*self.services, *self.fronts):
            files.private_directory(layout.state(name))
            files.private_directory(layout.secrets / name)
        for name in self.services:
            if not (kek := layout.secret(name, "kek")).exists():
                add_generation(kek)
        for name in self.fed():
            files.private_directory(layout.checkpoints(name))
            if not (key := layout.secret(name, "checkpoint-key")).exists():
                new_key(key)
        for name in self.fronts:
            files.kept(layout.secret(name, "cookie-key"), files.key)

    def migrations(self, layout: Layout) -> list[Program]:
        """For each service the program that brings its database up to date; it alone gets the owner's URL."""
        programs = []
        for name, module in self.services.items():
            url = databases.url_file(layout.secrets, name, "owner")
            environment = {"COMPTOIR_OWNER_DATABASE_URL_FILE": str(url)}
            programs.append(_python(f"{name}-migrate", (module, "migrate"), environment))
        return programs

    def programs(self, layout: Layout, ports: Ports) -> list[Program]:
        """What runs as long as the platform does, in the order of starting."""
        programs = [_mail_sink(layout, ports)]
        for name, module in self.services.items():
            healthy = partial(health.grpc_serving, address(ports, f"{name}-health"))
            environment = service_environment(name, layout, ports)
            programs.append(_python(name, (module, "serve"), environment, healthy))
            if name in self.fed():
                healthy = partial(health.grpc_serving, address(ports, f"{name}-feed-health"))
                environment = feed_environment(name, layout, ports)
                programs.append(_python(f"{name}-feed", (module, "feed"), environment, healthy))
        for name, module in self.fronts.items():
            healthy = partial(health.https_ok, ports[name], layout.authority)
            environment = front_environment(name, self.services, layout, ports)
            programs.append(_python(name, (module,), environment, healthy))
        return [
            replace(each, environment={**each.environment, **self.extra.get(each.name, {})})
            for each in programs
        ]

    def fed(self) -> list[str]:
        """The services that can be watched."""
        return [name for name in self.services if name in self.feeds]


def address(ports: Ports, name: str) -> str:
    """The "host:port" of something that listens."""
    return f"{LOOPBACK}:{ports[name]}"


def origin(ports: Ports, name: str) -> str:
    """The https origin under which browsers reach something."""
    return f"https://localhost:{ports[name]}"


def service_environment(name: str, layout: Layout, ports: Ports) -> dict[str, str]:
    """The settings of one gRPC service."""
    return {
        **_common(name, layout, ports),
        "COMPTOIR_HEALTH_LISTEN": address(ports, f"{name}-health"),
        "COMPTOIR_DATABASE_URL_FILE": str(databases.url_file(layout.secrets, name, "svc")),
        "COMPTOIR_KEK_FILE": str(layout.secret(name, "kek")),
        "COMPTOIR_CALLERS_FILE": _CALLERS,
        # Identity too reads from its address whose signatures count: its own.
        **_addresses(("identity",), ports),
        **{
            f"COMPTOIR_{source.upper()}_FEED_ADDRESS": address(ports, f"{source}-feed")
            for source in _WATCHED.get(name, ())
        },
        **(_mail(ports) if name in _SEND_MAIL else {}),
        **({"COMPTOIR_MEDIA_DIRECTORY": str(layout.media)} if name == "media" else {}),
    }


def feed_environment(name: str, layout: Layout, ports: Ports) -> dict[str, str]:
    """The settings of the feed of one service: a database URL that only lets it read, and a key that only signs."""
    return {
        "COMPTOIR_FEED_LISTEN": address(ports, f"{name}-feed"),
        "COMPTOIR_FEED_HEALTH_LISTEN": address(ports, f"{name}-feed-health"),
        "COMPTOIR_FEED_METRICS_LISTEN": address(ports, f"{name}-feed-metrics"),
        "COMPTOIR_FEED_DATABASE_URL_FILE": str(databases.url_file(layout.secrets, name, "feed")),
        "COMPTOIR_TLS_DIRECTORY": str(layout.certificates / name),
        "COMPTOIR_CALLERS_FILE": _CALLERS,
        "COMPTOIR_CHECKPOINT_DIRECTORY": str(layout.checkpoints(name)),
        "COMPTOIR_CHECKPOINT_KEY_FILE": str(layout.secret(name, "checkpoint-key")),
    }


def front_environment(name: str, services: Mapping[str, str], layout: Layout, ports: Ports) -> dict[str, str]:
    """The settings of what is reached over https; only the gateway is told where the services are."""
    return {
        **_common(name, layout, ports),
        "COMPTOIR_WEB_TLS_DIRECTORY": str(layout.certificates / certificates.WEB),
        "COMPTOIR_COOKIE_KEY_FILE": str(layout.secret(name, "cookie-key")),
        **(_addresses(services, ports) if name == "gateway" else {}),
    }


def _common(name: str, layout: Layout, ports: Ports) -> dict[str, str]:
    return {
        "COMPTOIR_LISTEN": address(ports, name),
        "COMPTOIR_METRICS_LISTEN": address(ports, f"{name}-metrics"),
        "COMPTOIR_TLS_DIRECTORY": str(layout.certificates / name),
        "COMPTOIR_ISSUER": origin(ports, "gateway"),
        "COMPTOIR_STATE_DIRECTORY": str(layout.state(name)),
    }


def _addresses(names: Iterable[str], ports: Ports) -> dict[str, str]:
    return {f"COMPTOIR_{name.upper()}_ADDRESS": address(ports, name) for name in names}


def _mail(ports: Ports) -> dict[str, str]:
    # The sink knows no encryption, and nobody listens on loopback.
    return {"COMPTOIR_SMTP_ADDRESS": address(ports, "smtp"), "COMPTOIR_SMTP_STARTTLS": "false"}


def _mail_sink(layout: Layout, ports: Ports) -> Program:
    arguments = (
        *("--smtp", address(ports, "smtp")),
        *("--web", address(ports, "mail")),
        *("--directory", str(layout.mail)),
        *("--certificates", str(layout.certificates / certificates.WEB)),
    )
    healthy = partial(health.https_ok, ports["mail"], layout.authority)
    return _python("mail", ("deploy.local.mail_sink", *arguments), {}, healthy)


def _python(
    name: str, module: tuple[str, ...], environment: Mapping[str, str], healthy: partial[bool] | None = None
) -> Program:
    inherited = {variable: os.environ[variable] for variable in _INHERITED if variable in os.environ}
    program = Program(
        name=name,
        command=(sys.executable, "-m", *module),
        environment={**inherited, "PYTHONUNBUFFERED": "1", **environment},
        directory=PROJECT,
    )
    return replace(program, healthy=healthy) if healthy else program

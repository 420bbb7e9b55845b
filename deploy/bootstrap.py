"""Prepares a production platform, once: `python -m deploy.bootstrap DIRECTORY …`; see docs/operators.md.

Authority and certificates, first key-encryption keys, databases with their roles and tables, the keys that witness the
logs, and the first operator. Nothing else is made: no company, no application, no demonstration. What is there already
is kept, so a run that was interrupted is run again.
"""

from __future__ import annotations

import argparse
import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from deploy import belonging
from deploy.local import certificates, databases, files, servers
from deploy.local.errors import CannotStart
from deploy.local.layout import Layout
from deploy.local.ports import SERVICES
from deploy.local.processes import Supervisor
from deploy.local.topology import PROJECT, Topology
from services.chassis.config import ConfigError
from services.chassis.contract import every_method
from services.chassis.rpc.peers import Peers
from services.identity.api import operator_details

_log = logging.getLogger(__name__)
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
# An X.509 common name holds no more.
_LONGEST_HOST = 64
# A name of the DNS has 253 characters at most, and ours are NAME-feed.DOMAIN.
_LONGEST_DOMAIN = 220
_THERE_ALREADY = "This login is taken"


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0 when the platform is ready to be started, 2 with one line on the standard error otherwise."""
    given = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        prepare(given)
    except OSError as error:
        return _refused(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except (CannotStart, ConfigError) as error:
        return _refused(str(error))
    return 0


def _refused(reason: str) -> int:
    print(f"comptoir: {reason}", file=sys.stderr)
    return 2


def prepare(given: argparse.Namespace) -> None:
    """All steps, in their order: what can be refused comes before what is made."""
    if wrong := list(_faults(given)):
        raise CannotStart("; ".join(wrong))
    url = given.postgres_url_file.read_text().strip()
    server = servers.existing(url, source="--postgres-url-file")
    layout, topology = Layout(given.directory.absolute()), Topology()
    belonging.require(server, SERVICES, layout)
    for directory in (layout.root, layout.certificates, layout.secrets, layout.logs):
        files.private_directory(directory)
    now = datetime.now(UTC)
    _log.info("Authority and certificates: %s", certificates.ensure(layout.certificates, now, given.domain))
    asked = certificates.request(layout.certificates / certificates.WEB, _host(given.issuer))
    _log.info("To be signed by an authority that browsers know: %s", asked)
    topology.prepare(layout)
    _log.info("Keys and passwords: %s", layout.secrets)
    databases.provide(server, SERVICES, layout.secrets)
    with Supervisor(layout.logs) as supervisor:
        supervisor.run(topology.migrations(layout))
    _log.info("Databases: %s", ", ".join(map(databases.database_name, SERVICES)))
    _create_operator(layout, given)


def check_callers(path: Path) -> None:
    """Refuses a list of callers with a service that gets no certificate, or with a method that is not there."""
    peers = Peers.load(path)
    known = {method.path for method in every_method()}
    wrong = [f"'{name}' gets no certificate" for name in peers.allowed if name not in certificates.INTERNAL]
    for name, patterns in peers.allowed.items():
        for pattern in patterns:
            found = any(Peers({name: (pattern,)}, frozenset()).allows(name, path) for path in known)
            wrong += [] if found else [f"'{name}' may call {pattern}, which is no method"]
    if wrong:
        raise CannotStart(f"{path}: {'; '.join(wrong)}")


def _create_operator(layout: Layout, given: argparse.Namespace) -> None:
    """Has identity open the account. The link that sets its password goes from there to the standard output only."""
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "COMPTOIR_DATABASE_URL_FILE": str(databases.url_file(layout.secrets, "identity", "svc")),
        "COMPTOIR_KEK_FILE": str(layout.secret("identity", "kek")),
        "COMPTOIR_ISSUER": given.issuer,
    }
    details = operator_details.given_options(given)
    command = [sys.executable, "-m", "services.identity", "create-operator", *details]
    done = subprocess.run(
        command, env=environment, cwd=PROJECT, capture_output=True, text=True, timeout=120, check=False
    )
    if done.returncode and _THERE_ALREADY in done.stderr:
        _log.info(
            "The operator is there already; `python -m services.identity break-glass` gives a new link."
        )
    elif done.returncode:
        raise CannotStart(f"the operator's account was not opened: {done.stderr.strip().splitlines()[-1]}")
    else:
        print(done.stdout, end="", flush=True)


def _faults(given: argparse.Namespace) -> Iterator[str]:
    """Everything that is wrong with what was given, each with its option."""
    if not _is_name(_host(given.issuer), _LONGEST_HOST):
        yield "--issuer must be the gateway's public origin, such as https://pay.example"
    if not _is_name(given.domain, _LONGEST_DOMAIN) or given.domain == certificates.DEVELOPMENT:
        yield "--domain must be the name of a domain, such as comptoir.internal.example"
    yield from _refusal("--postgres-url-file", lambda: given.postgres_url_file.read_text())
    yield from _refusal("--callers", lambda: check_callers(given.callers))
    yield from operator_details.faults(operator_details.user_of(given))


def _refusal(option: str, check: Callable[[], object]) -> Iterator[str]:
    try:
        check()
    except OSError as error:
        yield f"{option}: {error.filename}: {error.strerror}"
    except (CannotStart, ConfigError, UnicodeDecodeError) as error:
        yield f"{option}: {error}"


def _host(issuer: str) -> str:
    """The host of an origin that browsers reach by https; empty if it is none."""
    try:
        parts = urlsplit(issuer)
        origin = (parts.scheme, parts.path, parts.query, parts.fragment, parts.username)
        return parts.hostname or "" if origin == ("https", "", "", "", None) and parts.port != 0 else ""
    except ValueError:
        return ""


def _is_name(text: str, longest: int) -> bool:
    """Whether it is a name as hosts have them (RFC 1123), not an address."""
    labels = text.split(".")
    return len(text) <= longest and all(map(_LABEL.fullmatch, labels)) and not labels[-1].isdecimal()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.bootstrap", description=__doc__)
    parser.add_argument("directory", type=Path, help="where certificates and secrets are put")
    parser.add_argument(
        "--postgres-url-file", type=Path, required=True, help="file with the URL of a superuser"
    )
    parser.add_argument("--issuer", required=True, help="the gateway's public origin")
    parser.add_argument("--domain", required=True, help="services are reached at NAME.DOMAIN")
    parser.add_argument(
        "--callers",
        type=Path,
        default=PROJECT / "deploy" / "callers.toml",
        help="the list of who may call which method, to be checked; deploy/callers.toml by default",
    )
    operator_details.add_options(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())

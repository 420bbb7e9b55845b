"""Which loopback port each part of the platform listens on, and whether the ports are free."""

import errno
import random
import socket
from collections.abc import Iterable, Iterator, Mapping

from deploy.local.errors import CannotStart

LOOPBACK = "127.0.0.1"
SERVICES = ("identity", "company", "shop", "media", "inbox")

# All defaults lie below 32768, where Linux begins to lend ports to outgoing connections: a fixed port above
# it is now and then taken by a connection nobody thinks of.
DEFAULTS: Mapping[str, int] = {
    "gateway": 8443,
    "backoffice": 8444,
    "mail": 8025,
    "smtp": 1025,
    "postgres": 15432,
    **{service: 15051 + index for index, service in enumerate(SERVICES)},
    **{f"{service}-health": 15151 + index for index, service in enumerate(SERVICES)},
    **{f"{service}-metrics": 15251 + index for index, service in enumerate(SERVICES)},
    **{f"{service}-feed": 15061 + index for index, service in enumerate(SERVICES)},
    **{f"{service}-feed-health": 15161 + index for index, service in enumerate(SERVICES)},
    **{f"{service}-feed-metrics": 15261 + index for index, service in enumerate(SERVICES)},
    "gateway-metrics": 15258,
    "backoffice-metrics": 15259,
}
_LENT_FROM = 32768


def chosen(environ: Mapping[str, str]) -> dict[str, int]:
    """Every name's port: the default ones, or consecutive ones from `COMPTOIR_PORT_BASE` on."""
    base = environ.get("COMPTOIR_PORT_BASE", "")
    if not base:
        return dict(DEFAULTS)
    highest = 65535 - len(DEFAULTS)
    if not base.isascii() or not base.isdigit() or not 1024 <= int(base) <= highest:
        raise CannotStart(f"COMPTOIR_PORT_BASE must be a number from 1024 to {highest}, not {base!r}")
    return {name: int(base) + index for index, name in enumerate(DEFAULTS)}


def free(names: Iterable[str]) -> dict[str, int]:
    """A free port for each name, for suites that run beside each other and a developer's own platform."""
    candidates = _candidates()
    return {name: next(port for port in candidates if not _refusal(port)) for name in names}


def require_free(ports: Mapping[str, int]) -> None:
    """Raises `CannotStart`, naming every port that cannot be listened on and what wanted it."""
    refused = [f"{port} (wanted by {name}): {why}" for name, port in ports.items() if (why := _refusal(port))]
    if refused:
        raise CannotStart(
            f"cannot listen on port {', '.join(refused)}; free it, or choose others: "
            "COMPTOIR_PORT_BASE=18400 make run"
        )


def _candidates() -> Iterator[int]:
    # Not port 0: the kernel lends such a port again, to any outgoing connection, before its owner listens.
    while True:
        yield from random.sample(range(20000, _LENT_FROM), 1000)


def _refusal(port: int) -> str:
    """Why nobody can listen on `port`, or nothing."""
    # "localhost" means ::1 first to most browsers, so a stranger there would receive what is meant for us.
    for family, address in ((socket.AF_INET, LOOPBACK), (socket.AF_INET6, "::1")):
        try:
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((address, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return "it is taken"
            if family == socket.AF_INET:
                return error.strerror or "it cannot be used"
    return ""

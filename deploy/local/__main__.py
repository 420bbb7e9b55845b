"""Runs the whole platform on this machine until it is told to stop: `python -m deploy.local`."""

import argparse
import logging
import os
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from deploy.local import ports
from deploy.local.errors import CannotStart
from deploy.local.platforms import Platform
from deploy.local.topology import PROJECT, Topology


class _Stop(BaseException):
    """Somebody asked for the end."""


def main(arguments: Sequence[str] | None = None, topology: Topology | None = None) -> int:
    """Returns 0 when stopped as asked, 2 with one line on the standard error when it cannot start."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description=__doc__)
    parser.add_argument("--var", type=Path, default=PROJECT / "var", help="where everything is kept")
    parser.add_argument(
        "--free-ports", action="store_true", help="take any free ports instead of the fixed ones"
    )
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    try:
        wanted = ports.free(ports.DEFAULTS) if given.free_ports else ports.chosen(os.environ)
        _run(Platform(given.var, wanted, topology=topology))
    except _Stop:
        return 0
    except (CannotStart, OSError) as error:
        print(f"comptoir: {error}", file=sys.stderr)
        return 2
    return 0


def _run(platform: Platform) -> None:
    with platform:
        print(summary(platform.description, platform.layout.description), flush=True)
        threading.Event().wait()


def summary(description: Mapping[str, Any], file: Path) -> str:
    """What to tell the person who started the platform."""
    places = {"Gateway": "gateway", "Back Office": "backoffice", "Mail": "mail", "Authority": "ca"}
    lines = [f"  {title:<12} {description[key]}" for title, key in places.items() if key in description]
    lines += [f"  {name:<12} grpc {address}" for name, address in description["grpc"].items()]
    lines += [
        f"  {login['login']:<24} {login['password']:<24} {login['about']}" for login in description["logins"]
    ]
    return "\n".join(["Comptoir is running; Ctrl-C stops it.", *lines, f"All of this as JSON: {file}"])


def _stop(number: int, frame: FrameType | None) -> None:
    # From here on stopping has begun, and a second Ctrl-C must not leave half of it undone.
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    raise _Stop


if __name__ == "__main__":
    sys.exit(main())

"""Measures the suite's ratios on real processes: `python -m bench [--scale SHARE]`.

At full scale it also writes `docs/figures.md`; what a smaller run gives is too coarse to be kept.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.comparisons import RPC_CALLS, internal_calls, rest_read
from bench.history import pages_of_changes
from bench.replica import replica
from bench.report import figures, page, table
from bench.rules import payment_rules
from bench.stand import stand
from bench.watch import until_seen
from bench.writes import update_shop
from deploy.local import erasure, ports
from deploy.local.platforms import Platform
from deploy.local.processes import Supervisor
from deploy.local.topology import PROJECT


def main(arguments: Sequence[str] | None = None) -> None:
    """Starts the platform, measures, reports."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full number of calls")
    scale: float = parser.parse_args(arguments).scale
    with (
        _directory() as directory,
        Platform(directory, ports.free(ports.DEFAULTS)) as platform,
        Supervisor(platform.layout.logs) as peers,
    ):
        lines, opening = internal_calls(platform, peers, scale)
        lines += rest_read(platform, peers, scale)
    print(table(lines))
    with _directory() as directory, stand(directory) as place:
        found = [
            *opening,
            *replica(place, scale),
            *payment_rules(scale),
            *update_shop(place, scale),
            *pages_of_changes(place, scale),
            *until_seen(place, scale),
        ]
    print(figures(found))
    if scale == 1:
        (PROJECT / "docs" / "figures.md").write_text(page(lines, found, RPC_CALLS, _commit()))


@contextmanager
def _directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="comptoir-bench-") as name:
        try:
            yield Path(name)
        finally:
            erasure.erase(Path(name))


def _commit() -> str:
    """The commit measured, where there is a repository to ask."""
    try:
        asked = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], cwd=PROJECT, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return asked.stdout.strip()


if __name__ == "__main__":
    main()

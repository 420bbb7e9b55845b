"""Measures the suite's ratios on real processes: `python -m bench [--scale SHARE] [--write]`.

At full scale it also writes `docs/figures.md` and its plot; where asked for a smaller run does so too, and says it.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.comparisons import internal_calls, rest
from bench.history import pages_of_changes
from bench.memory import held
from bench.plot import svg
from bench.replica import replica
from bench.report import PLOT, Holding, Row, holdings, page, table
from bench.rules import payment_rules
from bench.signing_in import issued_tokens, password_posts, token_checks
from bench.sizes import reads_by_size
from bench.stand import stand
from bench.telling_apart import telling_apart
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
    parser.add_argument("--write", action="store_true", help="write docs/figures.md at a smaller scale too")
    asked = parser.parse_args(arguments)
    scale: float = asked.scale
    load = os.getloadavg()[0]
    rows, memory = _on_the_platform(scale)
    print(table(rows), holdings(memory), sep="\n")
    alone = _on_the_stand(scale)
    print(table(alone))
    if scale == 1 or asked.write:
        docs, rows = PROJECT / "docs", [*rows, *alone]
        (docs / "figures.md").write_text(page(rows, memory, scale, _commit(), load))
        (docs / PLOT).write_text(svg(rows))


def _on_the_platform(scale: float) -> tuple[list[Row], list[Holding]]:
    with (
        _directory() as directory,
        Platform(directory, ports.free(ports.DEFAULTS)) as platform,
        Supervisor(platform.layout.logs) as peers,
    ):
        rows: list[Row] = [
            *internal_calls(platform, peers, scale),
            *rest(platform, peers, scale),
            *issued_tokens(platform, peers, scale),
            *password_posts(platform, scale),
            *token_checks(scale),
            *telling_apart(platform, scale),
        ]
        return rows, held(platform)


def _on_the_stand(scale: float) -> list[Row]:
    with _directory() as directory, stand(directory) as place:
        return [
            *replica(place, scale),
            *payment_rules(scale),
            *reads_by_size(place, scale),
            *update_shop(place, scale),
            *pages_of_changes(place, scale),
            *until_seen(place, scale),
        ]


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

"""Writes `docs/figures-soak.md`: what the big numbers reached, and nothing that dates it but the commit."""

from __future__ import annotations

import os
import platform
import subprocess

from deploy.local.topology import PROJECT
from tests.log.revocation import Felt
from tests.log.storm import Outcome

PAGE = PROJECT / "docs" / "figures-soak.md"
_ABOUT = """# Figures of the soak

Written by `make soak`. Writers of several companies and watchers of every kind work on real processes while services,
feeds and PostgreSQL are killed, end themselves next to a commit, and the feed is compacted under its watchers. In the
end everything is compared: what was acknowledged, the log, the tables, the mirrors, the inbox, the chains.

"""


def write(outcome: Outcome, felt: Felt) -> None:
    """Replaces the page."""
    rows = {
        "changes": outcome.changes,
        "changes asked for": outcome.plan.changes,
        "requests acknowledged": outcome.requests,
        "requests sent again": outcome.repeats,
        "seconds": round(outcome.seconds),
        "kills, each with its restart": outcome.kills,
        **{f"… {what}": count for what, count in sorted(outcome.trouble.items())},
        "streams of watchers": outcome.streams,
        "streams that began anew": outcome.resyncs,
        "changes told to watchers": outcome.told,
        **{f"compared: {what}": count for what, count in outcome.compared.items()},
        "lost or doubled": 0,
        "revocations felt": len(felt.seconds),
        "revocation felt after, p50, ms": round(felt.percentile(50) * 1000),
        "revocation felt after, p99, ms": round(felt.percentile(99) * 1000),
    }
    lines = [
        "| figure | reached |",
        "| --- | --- |",
        *(f"| {name} | {value} |" for name, value in rows.items()),
    ]
    where = f"{os.cpu_count()} cores, Python {platform.python_version()}, seed {outcome.plan.seed}"
    PAGE.write_text(f"{_ABOUT}" + "\n".join(lines) + f"\n\nMeasured with {where}{_commit()}.\n")


def _commit() -> str:
    found = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=PROJECT, capture_output=True, text=True
    )
    return f", on top of commit {found.stdout.strip()}" if found.returncode == 0 else ""

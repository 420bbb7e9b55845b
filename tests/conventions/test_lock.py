"""What is installed comes from the two canonical public hosts and from nowhere else."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_lock_names_only_the_canonical_hosts() -> None:
    hosts = set(re.findall(r'https?://([^/"]+)', (ROOT / "uv.lock").read_text()))

    assert hosts == {"pypi.org", "files.pythonhosted.org"}


def test_locks_of_node_packages_name_only_the_canonical_host() -> None:
    locks = [
        path
        for folder in ("bench", "tests")
        for path in (ROOT / folder).glob("**/package-lock.json")
        if "node_modules" not in path.parts
    ]
    hosts = {
        host for lock in locks for host in re.findall(r'"resolved": "https?://([^/"]+)', lock.read_text())
    }

    assert hosts <= {"registry.npmjs.org"}

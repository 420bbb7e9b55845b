"""Puts each seeded bug into a copy of the tree and tells which suite turns red: `python -m tests.seeded.runner`.

What it finds is written to docs/seeded-bugs.md, unless `--keep`, or only some bugs are named by words of theirs.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.seeded.bugs import BUGS, Bug

PROJECT = Path(__file__).parents[2]
PAGE = PROJECT / "docs" / "seeded-bugs.md"
_COPIED = ("services", "deploy", "clients", "tests", "bench", "protos", "conftest.py", "pyproject.toml")
_FAILED = 1
"""What pytest ends with when a test failed; anything else is no answer."""
_HEAD = """# Seeded bugs

Each of these bugs is put into a copy of the tree, and at least one suite must turn red. `make seeded` writes this page;
`tests/seeded/test_seeded.py` does the same in `.ci/run`, and fails for a bug that survives.

| bug | in | caught by |
|---|---|---|
"""


@contextmanager
def seeded(bug: Bug) -> Iterator[Path]:
    """A copy of the tree that has the bug."""
    with tempfile.TemporaryDirectory(prefix="comptoir-seeded-") as name:
        copy = Path(name)
        for part in _COPIED:
            source = PROJECT / part
            if source.is_dir():
                shutil.copytree(
                    source, copy / part, ignore=shutil.ignore_patterns("__pycache__", "node_modules")
                )
            else:
                shutil.copy(source, copy / part)
        file = copy / bug.file
        text = file.read_text()
        if text.count(bug.before) != 1:
            raise LookupError(
                f"{bug.about}: its place in {bug.file} has changed; say it anew in tests/seeded/bugs.py"
            )
        file.write_text(text.replace(bug.before, bug.after))
        yield copy


def caught(bug: Bug) -> str | None:
    """The first of its suites that turns red; None if the bug survives them all."""
    with seeded(bug) as copy:
        return next((suite for suite in bug.suites if _is_red(copy, suite)), None)


def _is_red(copy: Path, suite: str) -> bool:
    path, _, words = suite.partition(" ")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-x",
        "-p",
        "no:cacheprovider",
        path,
        *(["-k", words] if words else []),
    ]
    roots = [copy, copy / "protos" / "gen", copy / "clients" / "python"]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, roots)),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    ended = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
    if ended.returncode not in (0, _FAILED):
        raise RuntimeError(f"{suite} gave no answer:\n{ended.stdout[-3000:]}\n{ended.stderr[-1000:]}")
    return ended.returncode == _FAILED


def page(found: dict[Bug, str | None]) -> str:
    """The page for docs/."""
    rows = (
        f"| {bug.about} | `{bug.file}` | `{(suite or 'nobody').partition(' ')[0]}` |"
        for bug, suite in found.items()
    )
    return _HEAD + "\n".join(rows) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*", help="only bugs that have one of these words")
    parser.add_argument("--keep", action="store_true", help="leave the page as it is")
    chosen = parser.parse_args()
    found: dict[Bug, str | None] = {}
    for bug in BUGS:
        if not chosen.words or any(word in bug.about for word in chosen.words):
            found[bug] = caught(bug)
            sys.stdout.write(f"{found[bug] or 'SURVIVED'}: {bug.about}\n")
            sys.stdout.flush()
    if not chosen.keep and not chosen.words:
        PAGE.write_text(page(found))
    sys.exit(any(suite is None for suite in found.values()))


if __name__ == "__main__":
    main()

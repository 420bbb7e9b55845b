"""`docs/figures-soak.md`: what the big numbers reached, a section a test, and nothing that dates it but the commit."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path

from deploy.local.topology import PROJECT

PAGE = PROJECT / "docs" / "figures-soak.md"
_TITLE = "# Figures of the soak\n\nWritten by `make soak`, each section by a test of its own.\n"
_SECTION = "\n## "


def write(
    title: str, about: str, rows: Mapping[str, object], seed: int | None = None, page: Path = PAGE
) -> None:
    """Replaces the section of that title, or adds it; all others stay as they are."""
    table = "\n".join(f"| {name} | {value} |" for name, value in rows.items())
    sown = "" if seed is None else f", seed {seed}"
    where = f"{os.cpu_count()} cores, Python {platform.python_version()}{sown}{_commit()}"
    mine = f"{title}\n\n{about}\n\n| figure | reached |\n| --- | --- |\n{table}\n\nMeasured with {where}.\n"
    _, *stood = page.read_text().split(_SECTION) if page.exists() else ("",)
    sections = {text.partition("\n")[0]: text for text in stood} | {title: mine}
    page.write_text(_TITLE + "".join(f"{_SECTION}{text}" for text in sections.values()))


def _commit() -> str:
    found = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=PROJECT, capture_output=True, text=True
    )
    return f", on top of commit {found.stdout.strip()}" if found.returncode == 0 else ""

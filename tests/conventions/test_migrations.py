"""Migrations of a service stand in one line: two that follow the same one would keep it from starting."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

SERVICES = Path(__file__).parents[2] / "services"
LINES = sorted(SERVICES.glob("*/migrations"))


@pytest.mark.parametrize("versions", LINES, ids=lambda path: path.parent.name)
def test_each_migration_has_a_number_of_its_own_and_follows_the_one_before(versions: Path) -> None:
    found, expected, before = [], [], "None"
    for n, path in enumerate(sorted(versions.glob("[0-9]*.py")), start=1):
        text = path.read_text()
        revision, down = (
            re.findall(rf"^{name} = (.*)$", text, re.M) for name in ("revision", "down_revision")
        )
        found.append((path.name[:4], *revision, *down))
        expected.append((f"{n:04}", f'"{n:04}"', before))
        before = f'"{n:04}"'

    assert found == expected, "give the later one the next number, and name the one before in it"

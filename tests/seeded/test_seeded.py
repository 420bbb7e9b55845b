"""Every seeded bug is caught, and its place is still where the list says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.seeded.bugs import BUGS, Bug
from tests.seeded.runner import PROJECT, caught


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.about.replace(" ", "-"))
def test_the_bug_can_still_be_put_in(bug: Bug) -> None:
    assert (PROJECT / bug.file).read_text().count(bug.before) == 1, "say it anew in tests/seeded/bugs.py"
    assert all(Path(PROJECT, suite.partition(" ")[0]).exists() for suite in bug.suites)


@pytest.mark.slow
@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.about.replace(" ", "-"))
def test_the_bug_is_caught(bug: Bug) -> None:
    assert caught(bug) is not None

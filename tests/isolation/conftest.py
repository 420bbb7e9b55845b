"""One world for the suite: it takes seconds to fill."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from services.chassis.testing.running import Running
from tests.isolation.matrix import Matrix
from tests.isolation.world import World


@pytest.fixture(scope="module")
def matrix(
    run_service: Callable[..., Running], certificates: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Matrix]:
    """Both companies, and everybody who calls."""
    world = World(run_service, certificates, tmp_path_factory.mktemp("gateway"))
    yield Matrix(world)
    _calls.append(world.wire.calls)
    world.close()


_calls: list[int] = []


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Says how many calls the matrix was."""
    if _calls:
        terminalreporter.write_line(f"isolation: {sum(_calls)} calls")

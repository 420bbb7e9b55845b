"""A platform of its own, which faults are made in, and people who work meanwhile."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deploy.local import ports
from deploy.local.platforms import Platform
from tests.faults.visitor import Visitor


@pytest.fixture(scope="package")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with Platform(tmp_path_factory.mktemp("faulty"), ports.free(ports.DEFAULTS)) as running:
        yield running


@pytest.fixture(
    autouse=True,
    params=[
        pytest.param(1, marks=pytest.mark.slow),
        *(pytest.param(n, marks=pytest.mark.soak) for n in range(2, 21)),
    ],
)
def round_(request: pytest.FixtureRequest) -> int:
    """Each fault is made once where every change is checked, and many times where the big numbers run."""
    number: int = request.param
    return number


@pytest.fixture
def visitor(faulty: Platform) -> Visitor:
    """Somebody who has just signed in, to a platform where everything works."""
    return Visitor.signed_in(faulty)

"""A platform of its own, which faults are made in, and people who work meanwhile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from deploy.local import ports
from deploy.local.platforms import Platform
from tests import soak_page
from tests.faults.visitor import Visitor

_ROUNDS = 20
_ABOUT = "How many times each fault was made on a running platform and survived as its name says."
_survived: Counter[str] = Counter()


@pytest.fixture(scope="package")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with Platform(tmp_path_factory.mktemp("faulty"), ports.free(ports.DEFAULTS)) as running:
        yield running


@pytest.fixture(
    autouse=True,
    params=[
        pytest.param(1, marks=pytest.mark.slow),
        *(pytest.param(n, marks=pytest.mark.soak) for n in range(2, _ROUNDS + 1)),
    ],
)
def round_(request: pytest.FixtureRequest) -> int:
    """Each fault is made once where every change is checked, and many times where the big numbers run."""
    number: int = request.param
    request.node.user_properties.append(("round", number))
    return number


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Counts the rounds that were survived."""
    if report.when == "call" and report.passed and dict(report.user_properties).get("round"):
        name = report.nodeid.rpartition("::")[2].partition("[")[0].removeprefix("test_").replace("_", " ")
        _survived[name] += 1


def pytest_sessionfinish() -> None:
    """Writes them down where all were made."""
    if any(count >= _ROUNDS - 1 for count in _survived.values()):
        soak_page.write("Faults", _ABOUT, _survived)


@pytest.fixture
def visitor(faulty: Platform) -> Visitor:
    """Somebody who has just signed in, to a platform where everything works."""
    return Visitor.signed_in(faulty)

"""What the tests of the local platform share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.postgres import Cluster, temporary_cluster
from deploy.local.processes import Supervisor


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A running PostgreSQL, shared by all tests."""
    with temporary_cluster() as running:
        yield running


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    """A supervisor that stops what the test started."""
    with Supervisor(tmp_path) as running:
        yield running

"""Fixtures: `postgres` and `certificates` once a run, `run_service` to start services with databases of their own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from deploy.local import certificates as authority
from services.chassis.service import Service
from services.chassis.testing import postgres as real
from services.chassis.testing.feeding import Feeding
from services.chassis.testing.postgres import Clone, Databases
from services.chassis.testing.running import Running


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    """Real databases, cloned from migrated templates."""
    with real.server() as server:
        yield Databases(server, tmp_path_factory.mktemp("databases"))


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of certificates, one a service."""
    directory = tmp_path_factory.mktemp("pki")
    authority.ensure(directory, datetime.now(UTC))
    return directory


@pytest.fixture(scope="module")
def clone(databases: Databases) -> Iterator[Callable[[Service], Clone]]:
    """Clones that last as long as the module's tests."""
    made: list[Clone] = []

    def give(service: Service) -> Clone:
        made.append(databases.clone(service))
        return made[-1]

    yield give
    for each in made:
        each.drop()


@pytest.fixture(scope="module")
def run_service(
    clone: Callable[[Service], Clone], certificates: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Running]]:
    """Starts services that last as long as the module's tests."""
    running: list[Running] = []

    def start(service: Service, **settings: Any) -> Running:
        directory = tmp_path_factory.mktemp(service.name)
        running.append(Running(service, clone(service), certificates, directory, **settings))
        return running[-1]

    yield start
    for each in running:
        each.stop()


@pytest.fixture
def feed_of(tmp_path: Path, certificates: Path) -> Iterator[Callable[..., Feeding]]:
    """Starts the feeds of running services."""
    feeding: list[Feeding] = []

    def start(running: Running, **settings: Any) -> Feeding:
        directory = tmp_path / f"feed{len(feeding)}"
        directory.mkdir()
        feeding.append(Feeding(running.service, running.database, certificates, directory, **settings))
        return feeding[-1]

    yield start
    for each in feeding:
        each.stop()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a skipped test is a failure: everything it could need is there, or is to be installed."""
    reporter: Any = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if skipped and os.environ.get("CI") and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED

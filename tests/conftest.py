"""What takes long to start, started once: the real platform, every process of it, and all services in this process."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.local import ports
from deploy.local.browser import Application, Merchant
from deploy.local.platforms import Platform
from services.chassis.service import Service
from services.chassis.testing.postgres import Databases
from services.chassis.testing.running import Running
from tests.isolation.matrix import Matrix
from tests.isolation.world import World


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The platform as `make run` starts it, on free ports, with its demonstration data."""
    directory = tmp_path_factory.mktemp("platform")
    with Platform(directory, ports.free(ports.DEFAULTS)) as running:
        yield running


@pytest.fixture(scope="session")
def demonstration(platform: Platform) -> dict[str, Any]:
    """What `var/platform.json` says."""
    return platform.description


@pytest.fixture(scope="module")
def matrix(
    databases: Databases, certificates: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Matrix]:
    """Every service in this process, two companies in them, and everybody who calls. It takes seconds to fill, and
    some suites leave no room in it for what others have to make."""
    running: list[Running] = []

    def start(service: Service, **settings: Any) -> Running:
        directory = tmp_path_factory.mktemp(service.name)
        running.append(Running(service, databases.clone(service), certificates, directory, **settings))
        return running[-1]

    world = World(start, certificates, tmp_path_factory.mktemp("gateway"))
    yield Matrix(world)
    world.close()
    for each in running:
        each.stop()
        each.database.drop()


@pytest.fixture
def application(demonstration: dict[str, Any]) -> Application:
    """The public demonstration client, in a fresh browser."""
    return Application(demonstration["gateway"], demonstration["ca"])


@pytest.fixture(scope="session")
def signed_in(demonstration: dict[str, Any]) -> Callable[..., Merchant]:
    """Signs a demonstration person in to one of their companies; remembered for half of the token's life."""
    passwords = {login["login"]: login["password"] for login in demonstration["logins"]}
    known: dict[tuple[str, str], tuple[float, Merchant]] = {}

    def sign_in(login: str, company: str = "") -> Merchant:
        until, merchant = known.get((login, company), (0.0, None))
        if merchant is not None and time.monotonic() < until:
            return merchant
        chosen = demonstration["companies"].get(company, "")
        application = Application(demonstration["gateway"], demonstration["ca"])
        tokens = application.sign_in(login, passwords[login], chosen)
        merchant = Merchant(demonstration["gateway"], demonstration["ca"], tokens["access_token"])
        known[login, company] = (time.monotonic() + tokens["expires_in"] / 2, merchant)
        return merchant

    return sign_in

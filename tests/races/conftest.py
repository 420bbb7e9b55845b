"""Two gateways and two identities on one database, and people whom nobody else knows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deploy.local.platforms import Platform
from tests.faults.replicas import address, port, replica
from tests.races.doors import Doors


@pytest.fixture(scope="package")
def doors(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    further = tmp_path_factory.mktemp
    with replica(platform, "identity", further("identity")) as identity:
        asks = {"COMPTOIR_IDENTITY_ADDRESS": address(identity)}
        with replica(platform, "gateway", further("gateway"), **asks) as gateway:
            second = f"https://localhost:{port(gateway)}"
            yield Doors(platform, (platform.description["gateway"], second))

"""Two gateways and two identities on one database, and people whom nobody else knows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.local.platforms import Platform
from tests.races.doors import Doors
from tests.replicas import beside, port_of


@pytest.fixture(scope="package")
def doors(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    directory: Path = tmp_path_factory.mktemp("replicas")
    with beside(platform, directory, "identity", "gateway") as replicas:
        description: dict[str, Any] = platform.description
        second = f"https://localhost:{port_of(replicas['gateway'])}"
        yield Doors(platform, (description["gateway"], second))

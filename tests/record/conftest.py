"""One log for all tests of the folder, as it was written at the beginning of each."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from services.chassis.testing.running import Running
from services.shop.service import SHOP
from tests.record.logs import Log


@pytest.fixture(scope="module")
def written(run_service: Callable[..., Running], tmp_path_factory: pytest.TempPathFactory) -> Log:
    return Log(run_service(SHOP), tmp_path_factory.mktemp("log"))


@pytest.fixture
def log(written: Log) -> Log:
    written.reset()
    return written

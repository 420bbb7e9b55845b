"""Identity, running, with a clock that the module's tests move."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from services.chassis.testing.running import Running
from services.identity.service import IDENTITY
from services.identity.tests.acts import Acts, Hands


@pytest.fixture(scope="module")
def hands() -> Hands:
    return Hands()


@pytest.fixture(scope="module")
def acts(run_service: Callable[..., Running], hands: Hands) -> Acts:
    return Acts(run_service(IDENTITY, clock=hands, source_tries=1000))

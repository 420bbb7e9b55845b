"""Services over databases of their own, all on one clock that the module's tests move."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from services.chassis.testing.running import Running
from services.company.service import COMPANY
from services.identity.service import IDENTITY
from services.identity.tests.acts import Acts, Hands
from services.shop.service import SHOP


@pytest.fixture(scope="module")
def hands() -> Hands:
    return Hands()


@pytest.fixture(scope="module")
def shop(run_service: Callable[..., Running], hands: Hands) -> Running:
    return run_service(SHOP, clock=hands)


@pytest.fixture(scope="module")
def company(run_service: Callable[..., Running], hands: Hands) -> Running:
    return run_service(COMPANY, clock=hands)


@pytest.fixture(scope="module")
def acts(run_service: Callable[..., Running], hands: Hands) -> Acts:
    return Acts(run_service(IDENTITY, clock=hands, source_tries=1000))

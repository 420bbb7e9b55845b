"""A shop service with a clock of its own, for a module of tests."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from services.chassis.testing.running import Running
from services.shop.service import SHOP
from services.shop.tests.counter import Clock, Counter


@pytest.fixture(scope="module")
def counter(run_service: Callable[..., Running]) -> Counter:
    clock = Clock()
    return Counter(run_service(SHOP, clock=clock), clock)

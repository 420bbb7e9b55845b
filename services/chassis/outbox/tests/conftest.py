"""A mail server and an office for each test, over one database."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from services.chassis.outbox.tests.office import Office
from services.chassis.outbox.tests.post.rows import POST
from services.chassis.service import Service
from services.chassis.testing.postgres import Clone
from services.chassis.testing.relay import Relay


@pytest.fixture(scope="module")
def database(clone: Callable[[Service], Clone]) -> Clone:
    return clone(POST)


@pytest.fixture
def relay() -> Iterator[Relay]:
    with Relay() as running:
        yield running


@pytest.fixture
def office(database: Clone, relay: Relay) -> Iterator[Office]:
    office = Office(database, relay.address)
    yield office
    office.close()

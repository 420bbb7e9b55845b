"""Identity, running, with a clock that the module's tests move."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from services.chassis.testing.relay import Relay
from services.chassis.testing.running import Running
from services.identity.service import IDENTITY
from services.identity.tests.acts import Acts, Hands
from services.identity.tests.post import Post, posting


@pytest.fixture(scope="module")
def hands() -> Hands:
    return Hands()


@pytest.fixture(scope="module")
def acts(run_service: Callable[..., Running], hands: Hands) -> Acts:
    return Acts(run_service(IDENTITY, clock=hands, source_tries=1000))


@pytest.fixture(scope="module")
def relay() -> Iterator[Relay]:
    """Takes the mail of modules whose service is told of it (`mailing`)."""
    with Relay() as running:
        yield running


@pytest.fixture
def post(acts: Acts, relay: Relay) -> Iterator[Post]:
    with posting(acts, relay) as found:
        yield found

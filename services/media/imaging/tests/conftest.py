"""One decoder for all tests that do not need their own, and the marker for the long runs."""

from collections.abc import Iterator

import pytest

from services.media.imaging.decoder import Decoder


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "soak: full numbers, run with `-m soak`")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "soak" in config.getoption("markexpr"):
        return
    for item in items:
        if item.get_closest_marker("soak"):
            item.add_marker(pytest.mark.skip(reason="full numbers: run with -m soak"))


@pytest.fixture(scope="session")
def decoder() -> Iterator[Decoder]:
    # A generous deadline: what is tested with it is the outcome, and the machine may be busy.
    with Decoder(slots=4, deadline_seconds=20) as shared:
        yield shared

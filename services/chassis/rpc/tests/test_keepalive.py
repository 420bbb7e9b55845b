"""Options of connections: one that the library does not know is taken without a word, and has no effect."""

from __future__ import annotations

from pathlib import Path

import grpc
import pytest

from comptoir_client import channel
from services.chassis.feed import client as feed_client
from services.chassis.feed import server as feed_server
from services.chassis.rpc import client, server

LIBRARY = next(Path(grpc.__file__).parent.glob("_cython/cygrpc*.so")).read_bytes()


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(client._OPTIONS, id="client"),
        pytest.param(server._OPTIONS, id="server"),
        pytest.param(feed_client._OPTIONS, id="client of a feed"),
        pytest.param(feed_server._OPTIONS, id="feed"),
        pytest.param(channel._OPTIONS, id="comptoir-client"),
    ],
)
def test_every_option_is_one_that_the_library_knows(options: list[tuple[str, object]]) -> None:
    assert [name for name, _ in options if f"{name}\0".encode() not in LIBRARY] == []

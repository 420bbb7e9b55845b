"""What a client sends again by itself, and what never, against a server that is always away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest

from services.chassis import tls
from services.chassis.contract import Method
from services.chassis.errors import Unavailable
from services.chassis.rpc.client import Client
from services.chassis.testing.running import METHODS

WRITE, READ = METHODS["ShopService/UpdateShop"], METHODS["ShopService/GetShop"]


class Away(grpc.GenericRpcHandler):
    """Counts what arrives, and answers nothing but that it is away."""

    def __init__(self, code: grpc.StatusCode) -> None:
        self._code = code
        self.arrived: Counter[str] = Counter()

    def service(self, handler_call_details: Any) -> Any:
        def refuse(_: bytes, context: grpc.ServicerContext) -> bytes:
            self.arrived[handler_call_details.method] += 1
            context.abort(self._code, "away")

        return grpc.unary_unary_rpc_method_handler(refuse)


# A server that stops lets go of calls that it had not begun with CANCELLED.
@pytest.fixture(params=[grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED])
def away(request: pytest.FixtureRequest) -> Away:
    return Away(request.param)


@pytest.fixture
def client(away: Away, certificates: Path) -> Iterator[Client]:
    server = grpc.server(ThreadPoolExecutor(1), handlers=[away])
    port = server.add_secure_port("127.0.0.1:0", tls.server_credentials(certificates / "shop"))
    server.start()
    client = Client(f"127.0.0.1:{port}", certificates / "gateway")
    yield client
    client.close()
    server.stop(None).wait()


@pytest.mark.parametrize(
    ("method", "metadata", "times"),
    [
        (READ, {}, 3),
        (WRITE, {}, 1),
        (WRITE, {"idempotency-key": "safe-to-send-again"}, 3),
    ],
    ids=["read", "write", "write under a key"],
)
def test_only_what_can_have_no_second_effect_is_sent_again(
    client: Client, away: Away, method: Method, metadata: dict[str, str], times: int
) -> None:
    with pytest.raises(Unavailable):
        client.call(method, method.example(), metadata=metadata)

    assert away.arrived[method.path] == times

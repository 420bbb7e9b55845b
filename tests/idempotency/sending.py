"""How the tests send a request under a key, and what they look up behind the service's back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message

from comptoir.shop.v1 import shop_pb2
from services.chassis.errors import Fault, KeyInUse
from services.chassis.rpc.metadata import REVISION
from services.chassis.testing.running import METHODS, Running

Outcome = Message | Fault


@dataclass(frozen=True)
class Answer:
    """What came back, whether it was said to be a repetition, and the revision that it told."""

    message: Any
    replayed: bool
    revision: str

    @property
    def content(self) -> bytes:
        content: bytes = self.message.SerializeToString()
        return content


def send(
    running: Running,
    method: str,
    request: Message,
    key: str | None,
    *,
    token: str | None = None,
    service: str = "gateway",
    seconds: float = 10,
) -> Answer:
    """Calls `Service/Method` under the key."""
    running.acquaintance.meet(METHODS[method], request, token)
    metadata = {"idempotency-key": key} if key is not None else {}
    if token is not None:
        metadata["authorization"] = f"Bearer {token}"
    told: dict[str, str] = {}
    message = running.client(service).call(
        METHODS[method], request, metadata=metadata, seconds=seconds, told=told
    )
    return Answer(message, told.get("idempotency-replayed") == "true", told.get(REVISION, ""))


def until_answered(act: Callable[[], Answer]) -> Answer:
    """What a patient client gets: it asks again as long as its first request is under way."""
    for _ in range(100):
        try:
            return act()
        except KeyInUse:
            threading.Event().wait(0.05)
    raise AssertionError("the key is still in use")


def at_once(calls: int, act: Callable[[], Answer]) -> list[Answer | Fault]:
    """What each of so many parallel calls ended with."""
    start = threading.Barrier(calls)

    def attempt(_: int) -> Answer | Fault:
        start.wait()
        try:
            return act()
        except Fault as fault:
            return fault

    with ThreadPoolExecutor(calls) as pool:
        return list(pool.map(attempt, range(calls)))


def rows(running: Running, query: Any, *values: object) -> list[tuple[Any, ...]]:
    """What lies in the database, seen past every policy."""
    with running.database.administrator() as connection:
        return connection.execute(query, values).fetchall()


def changes(running: Running, method: str) -> int:
    """Changes in the log that came by `Service/Method`."""
    path = METHODS[method].path
    return int(rows(running, "select count(*) from changes where method = %s", path)[0][0])


def shops_of(running: Running, company: str) -> int:
    return int(rows(running, "select count(*) from shops where company = %s", company)[0][0])


def opening(company: str, label: str = "Boutique du port") -> shop_pb2.CreateShopRequest:
    """A request that opens a shop."""
    return shop_pb2.CreateShopRequest(parent=f"companies/{company}", shop=shop_pb2.Shop(display_name=label))


def open_shop(
    running: Running, company: str, key: str | None, label: str = "Boutique du port", seconds: float = 10
) -> Answer:
    """Opens a shop as the set-up tool."""
    request = opening(company, label)
    return send(running, "ShopService/CreateShop", request, key, service="bootstrap", seconds=seconds)

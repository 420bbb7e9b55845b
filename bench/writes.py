"""What it costs that every write is a change: the same write, with the log and without."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager

import grpc
from google.protobuf.field_mask_pb2 import FieldMask

from bench import shop as shops
from bench.load import CONNECTIONS, PATIENCE_SECONDS, Call, Connect
from bench.measure import Measured, Subject, measure
from bench.report import POSTGRES, Figure
from bench.stand import LOGGED, UNLOGGED, RunningShop, Stand
from comptoir.shop.v1 import shop_pb2
from services.chassis import tls
from services.chassis.contract import Method
from services.chassis.testing.postgres import Clone

CALLS = 4_000
"""Writes a round."""
MOST = 1.6
"""The service's CPU for a write, over that of the same write without a change."""
UPDATE_SHOP = Method(shop_pb2.DESCRIPTOR.services_by_name["ShopService"].methods_by_name["UpdateShop"])


def update_shop(stand: Stand, scale: float) -> list[Figure]:
    """Both in turns. Each connection of the client writes for a company of its own: none waits for another's lock."""
    databases = {LOGGED: stand.database(), UNLOGGED: stand.database()}
    shops.free(databases[UNLOGGED])
    running = {kind: stand.shop(f"shop-{kind}", database, kind) for kind, database in databases.items()}
    walls: dict[str, list[float]] = {kind: [] for kind in running}
    subjects = [
        Subject(kind, _updates(stand, at, walls[kind]), {"shop": at.process.pid, **stand.processes})
        for kind, at in running.items()
    ]
    logged, unlogged = measure(subjects, int(CALLS * scale))
    for kind, database in databases.items():
        _require_changes(database, len(walls[kind]) if kind == LOGGED else 0)
    for at in running.values():
        at.process.stop()
    medians = {kind: statistics.median(seconds) * 1000 for kind, seconds in walls.items()}
    return [
        _cost("a write, CPU µs of the service", logged, unlogged, "shop", MOST),
        _cost("a write, CPU µs of PostgreSQL", logged, unlogged, POSTGRES),
        Figure(
            "a write, ms until answered, p50",
            medians[LOGGED],
            "without the log",
            medians[UNLOGGED],
            medians[LOGGED] / medians[UNLOGGED],
        ),
    ]


def _cost(title: str, ours: Measured, peer: Measured, process: str, most: float | None = None) -> Figure:
    return Figure(
        title,
        ours.microseconds(process),
        "without the log",
        peer.microseconds(process),
        1 / ours.ratio(peer, process, of_peer=(process,)),
        most,
    )


def _updates(stand: Stand, at: RunningShop, walls: list[float]) -> Connect:
    companies = iter([f"bench-{number}" for number in range(CONNECTIONS)])

    @contextmanager
    def connect() -> Iterator[Call]:
        company = next(companies)
        update, numbers = Update(stand, at, company), itertools.count()

        options = (("grpc.use_local_subchannel_pool", 1),)
        credentials = tls.channel_credentials(stand.certificates("gateway"))
        with grpc.secure_channel(at.address, credentials, options) as channel:
            stub = channel.unary_unary(
                UPDATE_SHOP.path,
                request_serializer=shop_pb2.UpdateShopRequest.SerializeToString,
                response_deserializer=shop_pb2.Shop.FromString,
            )

            def call() -> None:
                request = update.request(f"Boutique {next(numbers)}")
                metadata = update.owner.metadata()
                sent = time.monotonic()
                stub(request, timeout=PATIENCE_SECONDS, metadata=metadata)
                walls.append(time.monotonic() - sent)

            yield call

    return connect


class Update:
    """A shop of a company, to be given one label after another by the company's owner."""

    def __init__(self, stand: Stand, at: RunningShop, company: str) -> None:
        self.name = stand.open_shop(at, company).name
        self.owner = stand.owner(company)

    def request(self, label: str) -> shop_pb2.UpdateShopRequest:
        """The write that gives it this label."""
        return shop_pb2.UpdateShopRequest(
            shop=shop_pb2.Shop(name=self.name, display_name=label),
            update_mask=FieldMask(paths=["display_name"]),
        )


def _require_changes(database: Clone, expected: int) -> None:
    """Raises unless exactly the writes of the service with a log are in it: else the two are not what they say."""
    with database.administrator() as connection:
        row = connection.execute("select count(*) from changes where action = 'UPDATE'").fetchone()
    if row != (expected,):
        raise RuntimeError(f"{expected} writes left {row} changes")

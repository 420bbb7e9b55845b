"""A read costs the same whether a platform has ten companies or a hundred thousand."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack

import grpc

from bench.fixtures import SCALES, Bulk, companies
from bench.load import PATIENCE_SECONDS
from bench.measure import ROUNDS
from bench.report import Figure
from bench.stand import RunningShop, Stand
from bench.writes import UPDATE_SHOP, Update
from comptoir.shop.v1 import shop_pb2
from services.chassis import tls
from services.chassis.contract import Method
from services.chassis.rpc.metadata import MIN_REVISION, REVISION

MOST = 1.2
_CHANGES = 2
"""Of each company."""
_CALLS, _FEWEST_CALLS = 600, 60
_READ = Method(shop_pb2.DESCRIPTOR.services_by_name["ShopService"].methods_by_name["GetShop"])
Read = Callable[[], float]
"""Reads somebody's shop; milliseconds that it took."""


def reads_by_size(stand: Stand, scale: float) -> list[Figure]:
    """Shops of companies chosen at random, read past what is in memory, the platforms taking turns."""
    counts = [max(int(count * scale), SCALES[0]) for count in SCALES]
    calls = max(int(_CALLS * scale), _FEWEST_CALLS)
    with ExitStack() as stack:
        running = [_filled(stand, count) for count in counts]
        reads = [
            _reader(stand, at, count, stack.enter_context(_channel(stand, at)))
            for at, count in zip(running, counts, strict=True)
        ]
        _medians(reads, calls // 2)
        rounds = [_medians(reads, calls) for _ in range(ROUNDS)]
    for at in running:
        at.process.stop()
    return [_figure(counts, rounds, number) for number in range(1, len(counts))]


def _figure(counts: list[int], rounds: list[list[float]], number: int) -> Figure:
    return Figure(
        f"settings read from the database, of one of {counts[number]} companies, ms, p50",
        statistics.median(each[number] for each in rounds),
        f"of {counts[0]}",
        statistics.median(each[0] for each in rounds),
        statistics.median(each[number] / each[0] for each in rounds),
        MOST,
    )


def _filled(stand: Stand, count: int) -> RunningShop:
    database = stand.database()
    with database.administrator() as connection:
        bulk = Bulk(connection, database.urls["owner"], stand.layout.secret("shop", "kek"))
        bulk.write(companies(count, _CHANGES))
        bulk.open_shops(companies(count, _CHANGES))
        bulk.finish()
    return stand.shop(f"shop-of-{count}", database)


def _channel(stand: Stand, at: RunningShop) -> grpc.Channel:
    options = (("grpc.use_local_subchannel_pool", 1),)
    return grpc.secure_channel(
        at.address, tls.channel_credentials(stand.certificates("payment-engine")), options
    )


def _reader(stand: Stand, at: RunningShop, count: int, channel: grpc.Channel) -> Read:
    metadata = ((MIN_REVISION, _revision(stand, at)),)
    dice = random.Random(count)
    read = channel.unary_unary(
        _READ.path,
        request_serializer=shop_pb2.GetShopRequest.SerializeToString,
        response_deserializer=shop_pb2.Shop.FromString,
    )

    def call() -> float:
        name = f"companies/-/shops/{dice.randrange(count):08d}"
        sent = time.monotonic()
        shop = read(shop_pb2.GetShopRequest(name=name), timeout=PATIENCE_SECONDS, metadata=metadata)
        milliseconds = (time.monotonic() - sent) * 1000
        if not shop.name.endswith(name[len("companies/-") :]):
            raise RuntimeError(f"{name} was asked for and {shop.name} came")
        return milliseconds

    return call


def _revision(stand: Stand, at: RunningShop) -> str:
    """What a write tells; a read that names it does not answer from memory."""
    update = Update(stand, at, "writer")
    options = (("grpc.use_local_subchannel_pool", 1),)
    credentials = tls.channel_credentials(stand.certificates("gateway"))
    with grpc.secure_channel(at.address, credentials, options) as channel:
        stub = channel.unary_unary(
            UPDATE_SHOP.path,
            request_serializer=shop_pb2.UpdateShopRequest.SerializeToString,
            response_deserializer=shop_pb2.Shop.FromString,
        )
        request = update.request("Boutique du large")
        _, done = stub.with_call(request, timeout=PATIENCE_SECONDS, metadata=update.owner.metadata())
    return str(dict(done.trailing_metadata())[REVISION])


def _medians(reads: list[Read], calls: int) -> list[float]:
    times: list[list[float]] = [[] for _ in reads]
    for turn in range(calls):
        # None of them is always the one after a pause.
        for number in (each % len(reads) for each in range(turn, turn + len(reads))):
            times[number].append(reads[number]())
    return [statistics.median(each) for each in times]

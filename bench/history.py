"""Pages of a shop's history cost the same however long it is."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence

import grpc

from bench.fixtures import Bulk, History
from bench.load import PATIENCE_SECONDS
from bench.measure import ROUNDS
from bench.report import Figure
from bench.stand import Stand
from comptoir.shop.v1 import shop_pb2
from services.chassis import pages, tls
from services.chassis.contract import Method

LONG, SHORT = 10_000_000, 1_000
"""Changes, at full scale, and of the peer."""
MOST = 1.5
"""Time of a page of the long history, over that of the short one."""
PAGE = 50
_CALLS = 200
_FEWEST_CALLS = 20
_LIST = Method(shop_pb2.DESCRIPTOR.services_by_name["ShopService"].methods_by_name["ListShopChanges"])
Read = Callable[[], float]
"""Reads a page; seconds that it took."""


def pages_of_changes(stand: Stand, scale: float) -> list[Figure]:
    """The first, a middle and the last page, each with its values, in turns with the same of a short history."""
    database = stand.database()
    histories = [
        _history("long", "11111111", max(int(LONG * scale), SHORT)),
        _history("short", "22222222", SHORT),
    ]
    with database.administrator() as connection:
        bulk = Bulk(connection, database.urls["owner"], stand.layout.secret("shop", "kek"))
        bulk.write(histories)
        bulk.finish()
    at = stand.shop("shop-history", database)
    options = (("grpc.use_local_subchannel_pool", 1),)
    credentials = tls.channel_credentials(stand.certificates("gateway"))
    with grpc.secure_channel(at.address, credentials, options) as channel:
        found = [
            _compare(
                title, [_read(stand, channel, history, number) for history in histories], histories, scale
            )
            for number, title in enumerate(("first", "middle", "last"))
        ]
    at.process.stop()
    return found


def _history(company: str, shop_id: str, changes: int) -> History:
    return History(company, shop_id, changes, [range(top - PAGE, top) for top in _tops(changes)])


def _tops(changes: int) -> Sequence[int]:
    """The sequences below which the first, the middle and the last page begin."""
    return changes + 1, changes // 2, PAGE + 1


def _read(stand: Stand, channel: grpc.Channel, history: History, number: int) -> Read:
    owner = stand.owner(history.company)
    call = channel.unary_unary(
        _LIST.path,
        request_serializer=shop_pb2.ListShopChangesRequest.SerializeToString,
        response_deserializer=shop_pb2.ListShopChangesResponse.FromString,
    )
    request = shop_pb2.ListShopChangesRequest(parent=history.shop)
    top = _tops(history.changes)[number]
    if number:
        # To turn ten million changes over page by page would take an hour: the token is made as the service does.
        binding = request.SerializeToString(deterministic=True).hex()
        request.page_token = pages.page(PAGE, "", _LIST.path, binding).token((str(top),))
    request.page_size = PAGE
    expected = list(range(top - 1, top - 1 - PAGE, -1))

    def read() -> float:
        metadata = owner.metadata()
        sent = time.monotonic()
        answer = call(request, timeout=PATIENCE_SECONDS, metadata=metadata)
        seconds = time.monotonic() - sent
        if [change.sequence for change in answer.changes] != expected:
            raise RuntimeError(f"{history.shop}: not the page that begins below {top}")
        if any(change.values_erased for change in answer.changes):
            raise RuntimeError(f"{history.shop}: values are missing from the page that begins below {top}")
        return seconds

    return read


def _compare(title: str, reads: Sequence[Read], histories: Sequence[History], scale: float) -> Figure:
    calls = max(int(_CALLS * scale), _FEWEST_CALLS)
    for read in reads:
        read()
    rounds = [_medians(reads, calls) for _ in range(ROUNDS)]
    here, there = (statistics.median(times) for times in zip(*rounds, strict=True))
    changes = f"{histories[0].changes:_}".replace("_", " ")
    return Figure(
        f"{title} page of {PAGE} of {changes} changes, ms, p50",
        here,
        f"of {SHORT}",
        there,
        statistics.median(ours / theirs for ours, theirs in rounds),
        MOST,
    )


def _medians(reads: Sequence[Read], calls: int) -> tuple[float, float]:
    """Milliseconds, the reads taking turns."""
    times = [[read() * 1000 for read in reads] for _ in range(calls)]
    ours, theirs = (statistics.median(each) for each in zip(*times, strict=True))
    return ours, theirs

"""How soon a write is known to whoever watches: the feed of the shop service beside etcd's watch.

Both servers write through to the same disk before they answer, both speak gRPC over the same mutual TLS, and both are
watched and written to by the same client (`bench.watching`).
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

from bench.etcd import server as etcd
from bench.etcd.messages import PUT, WATCH, messages
from bench.measure import ROUNDS
from bench.report import Figure
from bench.stand import Stand
from bench.watching import Crowd, Delay, Side, channel
from bench.writes import UPDATE_SHOP, Update
from comptoir.changes.v1 import change_pb2, feed_pb2
from comptoir.shop.v1 import shop_pb2
from services.chassis.feed.method import METHOD
from services.chassis.testing.postgres import Clone

WRITES = 400
"""Writes a round and side."""
MOST = {1: 2.0, 100: 4.0}
"""By the number of watchers: how many times as long as with etcd it may take until the last one has seen a write."""
_WARM_UP = 10
_TURNS = 4
_WATCHER = "mailer"
_KEY = b"label"
_SHOP = "comptoir.shop/Shop"


@dataclass(frozen=True)
class Etcd:
    """Puts of one key, watched."""

    address: str
    certificates: Path
    name: str = "etcd"

    def writer(self) -> tuple[Callable[[str], Awaitable[Any]], grpc.aio.Channel]:
        open_channel, kinds = channel(self.address, self.certificates), messages()
        put = open_channel.unary_unary(
            PUT,
            request_serializer=kinds["PutRequest"].SerializeToString,
            response_deserializer=kinds["PutResponse"].FromString,
        )
        return lambda label: put(kinds["PutRequest"](key=_KEY, value=label.encode())), open_channel

    def committed(self, writes: int) -> None:
        return None

    async def watcher(self) -> AsyncIterator[str]:
        kinds = messages()
        async with channel(self.address, self.certificates) as open_channel:
            watch = open_channel.stream_stream(
                WATCH,
                request_serializer=kinds["WatchRequest"].SerializeToString,
                response_deserializer=kinds["WatchResponse"].FromString,
            )
            stream = watch()
            await stream.write(kinds["WatchRequest"](create_request=kinds["WatchCreateRequest"](key=_KEY)))
            async for told in stream:
                if told.created:
                    yield ""
                for event in told.events:
                    yield event.kv.value.decode()


@dataclass(frozen=True)
class Feed:
    """Labels of one shop, watched by another service of the platform."""

    update: Update
    address: str
    database: Clone
    feed_address: str
    owner_certificates: Path
    watcher_certificates: Path
    name: str = "feed"

    def writer(self) -> tuple[Callable[[str], Awaitable[Any]], grpc.aio.Channel]:
        open_channel = channel(self.address, self.owner_certificates)
        update = open_channel.unary_unary(
            UPDATE_SHOP.path,
            request_serializer=shop_pb2.UpdateShopRequest.SerializeToString,
            response_deserializer=shop_pb2.Shop.FromString,
        )
        return (
            lambda label: update(self.update.request(label), metadata=self.update.owner.metadata())
        ), open_channel

    def committed(self, writes: int) -> list[float]:
        query = (
            "select extract(epoch from pg_xact_commit_timestamp(transaction::xid))::float8 from changes"
            " where resource = %s order by sequence desc limit %s"
        )
        with self.database.administrator() as connection:
            return [
                time for (time,) in reversed(connection.execute(query, (self.update.name, writes)).fetchall())
            ]

    async def watcher(self) -> AsyncIterator[str]:
        async with channel(self.feed_address, self.watcher_certificates) as open_channel:
            watch = open_channel.unary_stream(
                METHOD.path,
                request_serializer=feed_pb2.WatchChangesRequest.SerializeToString,
                response_deserializer=feed_pb2.WatchChangesResponse.FromString,
            )
            asked = feed_pb2.WatchChangesRequest(types=[_SHOP], changes_only=True)
            async for told in watch(asked):
                match told.WhichOneof("event"):
                    case "snapshot_end":
                        yield ""
                    # The present may still lie before the opening of the shop.
                    case "change" if told.change.action == change_pb2.ACTION_UPDATE:
                        yield str(told.change.state["display_name"])


def until_seen(stand: Stand, scale: float) -> list[Figure]:
    """Both sides in turns. Where there is no etcd the reason is printed and nothing measured; in CI that fails."""
    data = stand.cluster.data.parent / etcd.NAME
    certificates = stand.certificates("shop")
    try:
        address = etcd.start(stand.supervisor, data, certificates, stand.certificates(_WATCHER))
    except etcd.EtcdMissing as missing:
        if os.environ.get("CI"):
            raise
        print(f"Watching is not compared: {missing}.", file=sys.stderr)
        return []
    _require_same_disk(data, stand.cluster.data)
    at = stand.shop("shop-watched", stand.database())
    feed = stand.feed("shop-feed", at)
    update = Update(stand, at, "watched")
    sides = (
        Feed(
            update, at.address, at.database, feed, stand.certificates("gateway"), stand.certificates(_WATCHER)
        ),
        Etcd(address, stand.certificates(_WATCHER)),
    )
    found = []
    for watchers, most in MOST.items():
        ours, theirs = asyncio.run(_measure(sides, watchers, max(int(WRITES * scale), 2 * _TURNS)))
        found += _figures(watchers, most, ours, theirs)
    return found


Rounds = list[list[Delay]]


async def _measure(sides: Sequence[Side], watchers: int, writes: int) -> list[Rounds]:
    found: list[Rounds] = [[] for _ in sides]
    for _ in range(ROUNDS):
        delays: list[list[Delay]] = [[] for _ in sides]
        for _ in range(_TURNS):
            for side, seen in zip(sides, delays, strict=True):
                # The other side's watchers are gone meanwhile: their heartbeats would disturb.
                async with Crowd(side, watchers) as crowd:
                    await crowd.delays(_WARM_UP)
                    seen += await crowd.delays(writes // _TURNS)
        for seen, rounds in zip(delays, found, strict=True):
            rounds.append(seen)
    return found


def _figures(watchers: int, most: float, ours: Rounds, theirs: Rounds) -> list[Figure]:
    who = "1 watcher" if watchers == 1 else f"last of {watchers} watchers"
    return [
        _figure(f"commit noted → seen by {who}, ms, p50", ours, theirs, 50, "committed", most),
        _figure(f"commit noted → seen by {who}, ms, p99", ours, theirs, 99, "committed"),
        _figure(f"write sent → seen by {who}, ms, p50", ours, theirs, 50, "sent"),
        _figure(f"write sent → seen by {who}, ms, p99", ours, theirs, 99, "sent"),
        _figure(f"write answered → seen by {who}, ms, p50", ours, theirs, 50, "answered"),
    ]


def _figure(
    title: str, ours: Rounds, theirs: Rounds, percent: int, since: str, most: float | None = None
) -> Figure:
    here, there = (
        [
            statistics.quantiles([getattr(each, since) * 1000 for each in delays], n=100)[percent - 1]
            for delays in side
        ]
        for side in (ours, theirs)
    )
    # An answer may come after the watchers' news: then there is nothing to compare.
    times = None
    if min(there) > 0:
        times = statistics.median(mine / other for mine, other in zip(here, there, strict=True))
    return Figure(title, statistics.median(here), "etcd", statistics.median(there), times, most)


def _require_same_disk(*directories: Path) -> None:
    if len({directory.stat().st_dev for directory in directories}) > 1:
        raise RuntimeError("etcd and PostgreSQL write to different file systems")

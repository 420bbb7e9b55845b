"""A delay is that of the slowest watcher, counted from the moment it says; nothing unseen is taken for seen."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
import pytest

from bench.etcd.messages import messages
from bench.watching import Crowd, Side

SLOW_SECONDS, COMMIT_SECONDS = 0.05, 0.02


class Board:
    """A side within this process: each further watcher hears `SLOW_SECONDS` later than the one before."""

    name = "board"

    def __init__(self, *, lying: bool = False) -> None:
        self._lying = lying
        self._watchers: list[asyncio.Queue[str]] = []
        self._committed: list[float] = []

    async def watcher(self) -> AsyncIterator[str]:
        told: asyncio.Queue[str] = asyncio.Queue()
        late = len(self._watchers) * SLOW_SECONDS
        self._watchers.append(told)
        yield ""
        while True:
            label = await told.get()
            await asyncio.sleep(late)
            yield "another" if self._lying else label

    def committed(self, writes: int) -> list[float]:
        return self._committed[-writes:]

    def writer(self) -> tuple[Callable[[str], Awaitable[Any]], grpc.aio.Channel]:
        async def write(label: str) -> None:
            await asyncio.sleep(COMMIT_SECONDS)
            self._committed.append(time.time())
            for told in self._watchers:
                told.put_nowait(label)

        return write, grpc.aio.insecure_channel("127.0.0.1:1")


async def delays(side: Side, watchers: int) -> list[Any]:
    async with Crowd(side, watchers) as crowd:
        return list(await crowd.delays(5))


def test_the_last_watcher_counts_from_each_of_the_moments() -> None:
    for delay in asyncio.run(delays(Board(), 3)):
        assert delay.committed >= 2 * SLOW_SECONDS - 0.005
        assert delay.sent - delay.committed >= COMMIT_SECONDS - 0.005
        assert delay.answered <= delay.committed + 0.005


def test_something_else_than_what_was_written_ends_the_measurement() -> None:
    with pytest.raises(RuntimeError, match="told 'another' instead of 'label 1'"):
        asyncio.run(delays(Board(lying=True), 2))


def test_the_messages_of_etcd_bear_its_numbers() -> None:
    kinds = messages()
    event = kinds["Event"](kv=kinds["KeyValue"](key=b"k", value=b"v"))

    assert kinds["PutRequest"](key=b"k", value=b"v").SerializeToString() == b"\x0a\x01k\x12\x01v"
    assert (
        kinds["WatchResponse"](watch_id=7, events=[event]).SerializeToString()
        == b"\x10\x07\x5a\x08\x12\x06\x0a\x01k\x2a\x01v"
    )

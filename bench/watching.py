"""The client of both sides: watchers on connections of their own, a writer, one clock, one event loop."""

from __future__ import annotations

import asyncio
import gc
import time
from abc import abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import grpc

from services.chassis import tls

_PATIENCE_SECONDS = 30


class Side(Protocol):
    """What is measured: how it is written to, and how one watches it."""

    @property
    def name(self) -> str: ...

    @abstractmethod
    def watcher(self) -> AsyncIterator[str]:
        """What one watcher, on a connection of its own, is told: first "", once it will miss nothing, then labels."""

    @abstractmethod
    def committed(self, writes: int) -> list[float] | None:
        """When each of the last so many writes was committed, as seconds since 1970; None where none is told."""

    @abstractmethod
    def writer(self) -> tuple[Callable[[str], Awaitable[Any]], grpc.aio.Channel]:
        """A function that writes a label and returns once that is durable; and what to close at the end."""


@dataclass(frozen=True)
class Delay:
    """Seconds until the last watcher had seen one write, each counted from another moment."""

    sent: float
    """From when the write was sent."""
    committed: float
    """From when the server noted the commit, just before it was made durable; where it does not say, as `sent`."""
    answered: float
    """From when the answer had arrived at the writer."""


class Crowd:
    """So many watchers of one side, and a writer."""

    def __init__(self, side: Side, watchers: int) -> None:
        self._side = side
        self._count = watchers
        self._written = 0
        self._awaited = ""
        self._missing = 0
        self._last = 0.0
        self._all = asyncio.Event()

    async def __aenter__(self) -> Crowd:
        self._write, self._channel = self._side.writer()
        self._expect("")
        self._watchers = [asyncio.create_task(self._watch()) for _ in range(self._count)]
        await self._everybody()
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._watchers:
            task.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)
        await self._channel.close()
        self._watchers.clear()
        # What is left of cancelled calls holds their connections open until it is collected.
        gc.collect()

    async def delays(self, writes: int) -> list[Delay]:
        """Of so many writes, one at a time: each is sent when all have seen the one before."""
        moments = [await self._moments() for _ in range(writes)]
        # Servers date by another clock, which is compared once: within a second the two do not part.
        offset = time.time() - time.monotonic()
        noted = self._side.committed(writes)
        committed = (
            [each - offset for each in noted] if noted is not None else [sent for sent, _, _ in moments]
        )
        return [
            Delay(seen - sent, seen - commit, seen - answered)
            for (sent, answered, seen), commit in zip(moments, committed, strict=True)
        ]

    async def _moments(self) -> tuple[float, float, float]:
        """Of one write: when it was sent, when it was answered, when the last watcher had seen it."""
        self._written += 1
        self._expect(f"label {self._written}")
        sent = time.monotonic()
        await self._write(self._awaited)
        answered = time.monotonic()
        await self._everybody()
        return sent, answered, self._last

    def _expect(self, label: str) -> None:
        self._awaited, self._missing = label, self._count
        self._all.clear()

    async def _everybody(self) -> None:
        """Waits until all have seen what is awaited; raises what ended a watcher."""
        seen = asyncio.create_task(self._all.wait())
        done, _ = await asyncio.wait(
            [seen, *self._watchers], timeout=_PATIENCE_SECONDS, return_when=asyncio.FIRST_COMPLETED
        )
        seen.cancel()
        for task in done - {seen}:
            task.result()
        if seen not in done:
            raise RuntimeError(f"{self._side.name}: {self._missing} watchers miss {self._awaited!r}")

    async def _watch(self) -> None:
        async for label in self._side.watcher():
            if label != self._awaited:
                raise RuntimeError(f"{self._side.name} told {label!r} instead of {self._awaited!r}")
            self._last = time.monotonic()
            self._missing -= 1
            if not self._missing:
                self._all.set()
        raise RuntimeError(f"{self._side.name} ended a watcher")


def channel(address: str, certificates: Path) -> grpc.aio.Channel:
    """A connection that is shared with nobody."""
    options = (("grpc.use_local_subchannel_pool", 1),)
    return grpc.aio.secure_channel(address, tls.channel_credentials(certificates), options)

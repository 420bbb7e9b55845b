"""Synchronous code in the event loop, which goes on while that waits."""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar
from functools import partial

import pytest

from services.gateway import greenlets

OWN: ContextVar[str] = ContextVar("own", default="nobody's")


def test_many_wait_at_once_in_one_thread_and_each_keeps_what_is_its_own() -> None:
    async def together() -> list[tuple[str, str, bool, int]]:
        met = asyncio.Barrier(3)

        def work(name: str) -> tuple[str, str, bool, int]:
            OWN.set(name)
            greenlets.wait_for(met.wait())
            answer = greenlets.wait_for(asyncio.sleep(0, name.upper()))
            return OWN.get(), answer, greenlets.is_inside(), threading.get_ident()

        return await asyncio.gather(*(greenlets.run(partial(work, name)) for name in "abc"))

    here = threading.get_ident()
    assert asyncio.run(together()) == [(name, name.upper(), True, here) for name in "abc"]
    assert (OWN.get(), greenlets.is_inside()) == ("nobody's", False)


def test_what_is_raised_goes_where_it_would_go_without() -> None:
    async def fails() -> None:
        raise KeyError("awaited")

    def catches() -> str:
        try:
            greenlets.wait_for(fails())
        except KeyError as error:
            return str(error)
        return ""

    def raises() -> None:
        greenlets.wait_for(asyncio.sleep(0))
        raise ValueError("worked")

    assert asyncio.run(greenlets.run(catches)) == "'awaited'"
    with pytest.raises(ValueError, match="worked"):
        asyncio.run(greenlets.run(raises))


def test_whoever_is_no_longer_waited_for_is_ended_where_it_waits() -> None:
    ended: list[str] = []

    def work() -> None:
        try:
            greenlets.wait_for(asyncio.Event().wait())
        finally:
            ended.append("cleaned up")

    async def given_up() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await greenlets.run(work)

    asyncio.run(given_up())
    assert ended == ["cleaned up"]

"""What listens to a database hears again soon after a network swallowed every byte, and can be ended meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest

from services.chassis.cache import ReplyCache
from services.chassis.changes.bell import CHANNEL, Bell
from services.chassis.service import Service
from services.chassis.testing.link import Link, linked
from services.chassis.testing.postgres import Clone
from services.chassis.testing.waiting import until
from services.chassis.tests.sample.rows import SAMPLE


@pytest.fixture(scope="module")
def database(clone: Callable[[Service], Clone]) -> Clone:
    return clone(SAMPLE)


@pytest.fixture
def way(database: Clone) -> Iterator[tuple[Link, str]]:
    with linked(database.urls["svc"]) as found:
        yield found


def test_a_cache_answers_from_memory_again(way: tuple[Link, str]) -> None:
    link, url = way
    cache = ReplyCache(url, "sample")
    try:
        until(lambda: cache.live, "it listens")
        with link.swallowing():
            until(lambda: not cache.live, "it keeps silent")
        until(lambda: cache.live, "it listens again")
    finally:
        cache.close()


def test_a_cache_ends_in_a_black_hole(way: tuple[Link, str]) -> None:
    link, url = way
    cache = ReplyCache(url, "sample")
    until(lambda: cache.live, "it listens")
    with link.swallowing():
        until(lambda: not cache.live, "it keeps silent")
        cache.close()


def test_a_bell_rings_again(database: Clone, way: tuple[Link, str]) -> None:
    link, url = way
    with database.administrator() as ears:
        ears.autocommit = True
        ears.execute(f"listen {CHANNEL}".encode())
        bell = Bell(url)
        try:
            until(lambda: rung(bell, ears, "1"), "it rings")
            with link.swallowing():
                assert not rung(bell, ears, "2")
            until(lambda: rung(bell, ears, "3"), "it rings again")
        finally:
            bell.close()


def rung(bell: Bell, ears: psycopg.Connection, transaction: str) -> bool:
    """Whether the ring for a transaction is heard within a moment."""
    bell.ring(transaction)
    return any(transaction in each.payload for each in ears.notifies(timeout=0.5))

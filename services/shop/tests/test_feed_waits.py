"""The feed waits for those who are about to commit, and not for long for those who do not."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from comptoir.shop.v1 import shop_pb2
from services.chassis.changes.bell import CHANNEL, LOCKS
from services.chassis.errors import Fault
from services.chassis.names import new_id
from services.chassis.testing.feeding import Feeding
from services.chassis.testing.running import Running
from services.chassis.testing.waiting import until
from services.shop.service import SHOP
from services.shop.tests.watching import events, opened, renamed, start

_NOBODY = 2**40 + 77
"""The id of a transaction that there will not be."""


@pytest.fixture(scope="module")
def shop(run_service: Callable[..., Running]) -> Running:
    return run_service(SHOP)


@pytest.fixture
def feed(shop: Running, feed_of: Callable[..., Feeding]) -> Feeding:
    return feed_of(shop)


def waits(shop: Running) -> bool:
    """Whether the feed waits for the end of a transaction."""
    query = (
        "select count(*) from pg_locks where locktype = 'advisory' and classid = %s and not granted"
        " and database = (select oid from pg_database where datname = current_database())"
    )
    with shop.database.administrator() as connection:
        row = connection.execute(query, (LOCKS,)).fetchone()
    return row is not None and row[0] > 0


def renames(shop: Running, row: shop_pb2.Shop, label: str) -> bool:
    """Whether it was done, by somebody who waits for no lock longer than a second."""
    try:
        renamed(shop, row, label)
    except Fault:
        return False
    return True


def test_a_commit_is_waited_for_before_it_is_done(shop: Running, feed: Feeding) -> None:
    row = opened(shop, new_id())
    stream = feed.watch(changes_only=True)
    start(stream)
    with shop.database.administrator() as holder, ThreadPoolExecutor(1) as writer:
        with holder.transaction():
            # Of all that a change writes, its values come late.
            holder.execute("lock table change_values in exclusive mode")
            done = writer.submit(until, lambda: renames(shop, row, "Near"), "it is renamed")
            until(lambda: waits(shop), "the feed waits for the commit")
        assert done.result()

    assert next(events(stream, "change")).change.state["display_name"] == "Near"


def test_who_never_comes_to_an_end_holds_up_nobody(shop: Running, feed: Feeding) -> None:
    row = opened(shop, new_id())
    stream = feed.watch(changes_only=True)
    start(stream)
    with shop.database.administrator() as holder:
        holder.execute("select pg_advisory_lock(%s, 77)", (LOCKS,))
        holder.execute(f"notify {CHANNEL}, '{_NOBODY}'")
        until(lambda: waits(shop), "the feed waits")
        for label in ("Meanwhile", "And again"):
            renamed(shop, row, label)
            assert next(events(stream, "change")).change.state["display_name"] == label
        assert until(lambda: waits(shop), "it still waits")


@pytest.mark.parametrize("rung", ["", "nonsense", "1,-1,,x", str(_NOBODY)])
def test_a_ring_without_a_meaning_is_survived(shop: Running, feed: Feeding, rung: str) -> None:
    row = opened(shop, new_id())
    stream = feed.watch(changes_only=True)
    start(stream)
    with shop.database.administrator() as connection:
        connection.execute(f"notify {CHANNEL}, '{rung}'")
    renamed(shop, row, "Told")

    assert next(events(stream, "change")).change.state["display_name"] == "Told"

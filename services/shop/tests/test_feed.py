"""The feed tells every change once, in the order of its scope, whoever asks and however often it is interrupted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice, takewhile

import pytest

from comptoir.changes.v1 import change_pb2, feed_pb2
from comptoir.shop.v1 import key_pb2
from services.chassis.errors import Denied, Exhausted, Invalid, Unavailable
from services.chassis.names import new_id
from services.chassis.testing.feeding import Feeding
from services.chassis.testing.running import Running
from services.shop.service import SHOP
from services.shop.tests.watching import Told, events, numbers, opened, renamed, start


@pytest.fixture(scope="module")
def shop(run_service: Callable[..., Running]) -> Running:
    return run_service(SHOP)


@pytest.fixture
def feed(shop: Running, feed_of: Callable[..., Feeding]) -> Feeding:
    return feed_of(shop)


def test_a_watcher_gets_a_snapshot_and_then_what_changes(shop: Running, feed: Feeding) -> None:
    company = new_id()
    row = opened(shop, company, "Before")
    stream = feed.watch()
    resources, _ = start(stream)

    assert resources[row.name].state["display_name"] == "Before"
    renamed(shop, row, "After")
    change = next(events(stream, "change")).change
    assert (change.resource, change.action, list(change.fields), change.state["display_name"]) == (
        row.name,
        change_pb2.ACTION_UPDATE,
        ["display_name"],
        "After",
    )
    assert (change.type, change.actor, change.scope) == (
        "comptoir.shop/Shop",
        "users/userexample",
        f"companies/{company}",
    )


def test_a_watcher_goes_on_from_its_cursor_without_gap_or_repetition(shop: Running, feed: Feeding) -> None:
    company = new_id()
    stream = feed.watch(changes_only=True)
    _, cursor = start(stream)
    row = opened(shop, company)
    for n in range(5):
        renamed(shop, row, f"Label {n}")

    seen: list[int] = []
    total = 10
    while len(seen) < total:
        told = next(events(feed.watch(cursor, changes_only=True), "change"))
        cursor = told.cursor
        seen.append(told.change.sequence)

    assert list(range(1, total + 1)) == seen


def test_changes_of_one_scope_come_in_order_under_many_writers(shop: Running, feed: Feeding) -> None:
    company = new_id()
    rows = [opened(shop, company) for _ in range(4)]
    already = 4 * 5
    _, cursor = start(feed.watch(changes_only=True))
    with ThreadPoolExecutor(4) as writers:
        for row in rows:
            for n in range(10):
                writers.submit(renamed, shop, row, f"Label {n}")

    stream = feed.watch(cursor, changes_only=True)
    assert list(range(already + 1, already + 41)) == numbers(stream, f"companies/{company}", 40)


def test_a_snapshot_among_open_transactions_neither_loses_nor_repeats(shop: Running, feed: Feeding) -> None:
    company = new_id()
    first = opened(shop, company)
    with shop.database.administrator() as holder:
        holder.autocommit = False
        # A transaction that is older than the writes holds the horizon back, so the snapshot lies beyond it.
        holder.execute("select pg_current_xact_id()")
        renamed(shop, first, "In the snapshot")
        stream = feed.watch(company=f"companies/{company}")
        resources, _ = start(stream)
        renamed(shop, first, "Behind the snapshot")

    change = next(events(stream, "change")).change
    assert resources[first.name].state["display_name"] == "In the snapshot"
    assert (change.sequence, change.state["display_name"]) == (7, "Behind the snapshot")


def test_types_and_company_narrow_what_is_told(shop: Running, feed: Feeding) -> None:
    mine, other = new_id(), new_id()
    stream = feed.watch(company=f"companies/{mine}", types=["comptoir.shop/Key"], changes_only=True)
    start(stream)
    opened(shop, other)
    row = opened(shop, mine)
    shop.call(
        "KeyService/RegenerateTestKey",
        key_pb2.RegenerateTestKeyRequest(name=f"{row.name}/keys/form-test"),
        key_pb2.Key,
        token=shop.mint.token(company=mine),
    )

    changes = [told.change for told in islice(events(stream, "change"), 5)]
    assert {(change.type, change.scope) for change in changes} == {("comptoir.shop/Key", f"companies/{mine}")}
    assert not any(change.HasField("state") for change in changes)


def test_heartbeats_carry_a_cursor_to_go_on_from(shop: Running, feed: Feeding) -> None:
    stream = feed.watch(types=["comptoir.shop/Shop"], changes_only=True)
    start(stream)
    cursor = next(events(stream, "heartbeat")).cursor
    row = opened(shop, new_id())

    again = feed.watch(cursor, types=["comptoir.shop/Shop"], changes_only=True)
    assert next(events(again, "change")).change.resource == row.name


@pytest.mark.parametrize(
    "changed", ["forged", "cut", "another caller", "another company", "another type", "another service"]
)
def test_a_cursor_of_somebody_else_is_refused(
    shop: Running,
    feed: Feeding,
    run_service: Callable[..., Running],
    feed_of: Callable[..., Feeding],
    changed: str,
) -> None:
    _, cursor = start(feed.watch(changes_only=True))
    middle = len(cursor) // 2
    forged = cursor[:middle] + ("A" if cursor[middle] != "A" else "B") + cursor[middle + 1 :]
    streams = {
        "forged": lambda: feed.watch(forged),
        "cut": lambda: feed.watch(cursor[:-4]),
        "another caller": lambda: feed.watch(cursor, service="payment-engine"),
        "another company": lambda: feed.watch(cursor, company="companies/acme"),
        "another type": lambda: feed.watch(cursor, types=["comptoir.shop/Shop"]),
        "another service": lambda: feed.watch(foreign_cursor(shop, feed_of)),
    }
    with pytest.raises(Invalid) as refused:
        next(streams[changed]())
    assert [violation.field for violation in refused.value.violations] == ["cursor"]


def foreign_cursor(shop: Running, feed_of: Callable[..., Feeding]) -> str:
    """A cursor made under another database's key."""
    with shop.database.administrator() as connection:
        connection.execute("update change_feed set token_key = sha256(token_key)")
    _, cursor = start(feed_of(shop).watch(changes_only=True))
    with shop.database.administrator() as connection:
        connection.execute("update change_feed set token_key = sha256(token_key)")
    return cursor


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("epoch = epoch || 'x'", feed_pb2.RESYNC_REASON_RESTORED),
        ("floor = pg_snapshot_xmin(pg_current_snapshot())", feed_pb2.RESYNC_REASON_COMPACTED),
    ],
)
def test_a_cursor_from_before_a_restore_or_a_compaction_begins_anew(
    shop: Running, feed_of: Callable[..., Feeding], change: str, reason: int
) -> None:
    row = opened(shop, new_id())
    _, cursor = start(feed_of(shop).watch())
    opened(shop, new_id())
    with shop.database.administrator() as connection:
        connection.execute(f"update change_feed set {change}")

    told = list(takewhile(lambda each: not each.HasField("snapshot_end"), feed_of(shop).watch(cursor)))
    assert told[0].resync.reason == reason
    assert row.name in {each.resource.name for each in told[1:]}


def test_a_watcher_is_told_when_the_database_is_restored_under_it(shop: Running, feed: Feeding) -> None:
    stream = feed.watch()
    start(stream)
    with shop.database.administrator() as connection:
        connection.execute("update change_feed set epoch = epoch || 'y'")

    assert next(events(stream, "resync")).resync.reason == feed_pb2.RESYNC_REASON_RESTORED


def test_a_caller_has_so_many_streams_and_no_more(shop: Running, feed_of: Callable[..., Feeding]) -> None:
    feed = feed_of(shop, feed_streams_per_caller=2)
    held = [feed.watch(changes_only=True) for _ in range(2)]
    for stream in held:
        start(stream)
    with pytest.raises(Exhausted) as refused:
        next(feed.watch())
    assert (refused.value.reason, refused.value.metadata["limit"]) == ("TOO_MANY_STREAMS", "2")
    start(feed.watch(service="payment-engine"))


def test_a_service_that_is_not_listed_hears_nothing(feed: Feeding) -> None:
    with pytest.raises(Denied):
        next(feed.watch(service="gateway"))


def test_a_reader_who_does_not_read_holds_up_nobody(shop: Running, feed: Feeding) -> None:
    company = new_id()
    lazy = feed.watch(changes_only=True)
    _, _ = start(lazy)
    row = opened(shop, company)
    for n in range(20):
        renamed(shop, row, f"{n} {'x' * 60}")
    eager = feed.watch(company=f"companies/{company}")
    start(eager)
    renamed(shop, row, "Last")

    assert next(events(eager, "change")).change.sequence == 26
    assert list(range(1, 27)) == numbers(lazy, f"companies/{company}", 26)


def ages(stream: Iterator[Told]) -> Iterator[float]:
    """How complete what was told is said to be, heartbeat by heartbeat."""
    return (told.heartbeat.age.ToTimedelta().total_seconds() for told in events(stream, "heartbeat"))


def test_a_feed_that_is_held_back_says_how_old_its_view_is(shop: Running, feed: Feeding) -> None:
    stream = feed.watch(changes_only=True)
    assert next(ages(stream)) < 1
    with shop.database.administrator() as holder:
        holder.autocommit = False
        holder.execute("select pg_current_xact_id()")
        opened(shop, new_id())
        assert next(age for age in ages(stream) if age > 2)

    assert next(age for age in ages(stream) if age < 1) >= 0


def test_what_runs_in_another_database_of_the_server_holds_up_nobody(shop: Running, feed: Feeding) -> None:
    company = new_id()
    row = opened(shop, company)
    stream = feed.watch(company=f"companies/{company}", changes_only=True)
    start(stream)
    with shop.database.neighbour() as holder, holder.transaction():
        holder.execute("select pg_current_xact_id()")
        for label in ("Meanwhile", "And again"):
            renamed(shop, row, label)
            # Nobody who is held up is told anything but heartbeats, one a second.
            soon = islice(stream, 5)
            assert next(events(soon, "change")).change.state["display_name"] == label
        assert all(age < 2 for age in islice(ages(stream), 4))
        _, cursor = start(feed.watch(company=f"companies/{company}"))
        renamed(shop, row, "From a snapshot on")

    late = feed.watch(cursor, company=f"companies/{company}")
    assert next(events(late, "change")).change.state["display_name"] == "From a snapshot on"


def test_nothing_ends_a_feed_for_good(shop: Running, feed: Feeding) -> None:
    stream = feed.watch(changes_only=True)
    start(stream)
    with shop.database.administrator() as connection:
        connection.execute("create table aside as select * from change_feed")
        connection.execute("delete from change_feed")
        # It ends its streams, and comes back to those who go on from their cursors.
        with pytest.raises(Unavailable):
            for _ in stream:
                pass
        connection.execute("insert into change_feed select * from aside")
        connection.execute("drop table aside")

    again = feed.watch(changes_only=True)
    start(again)
    row = opened(shop, new_id())
    assert next(events(again, "change")).change.resource == row.name

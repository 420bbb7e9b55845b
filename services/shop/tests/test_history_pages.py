"""A page costs the same however long the log is, and a rare filter misses nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, select

from services.chassis.changes import scan
from services.chassis.changes.log import ChangeLog, Stamp
from services.chassis.changes.scan import MOST_SCANNED, Wanted
from services.chassis.db.scope import Scope
from services.chassis.db.tenancy import ScopedSession
from services.chassis.errors import Fault
from services.chassis.testing.running import Running
from services.chassis.testing.waiting import until
from services.shop.rows import TABLES
from services.shop.service import SHOP
from services.shop.shops import ShopRow

COUNT = 9000
SCOPE = "companies/long"
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
CHANGES = TABLES.log.changes


@pytest.fixture(scope="module")
def shop(run_service: Callable[..., Running]) -> Running:
    """A service with a long log: a change a minute; number 5 is Ada's, each 100th stands in another history."""
    shop = run_service(SHOP)
    with shop.database.administrator() as connection:
        connection.execute(
            "insert into changes select %s, n, '1', '1',"
            " case when n %% 100 = 0 then 'companies/long/shops/2' else 'companies/long/shops/1' end,"
            " %s + n * interval '1 minute', 'comptoir.shop/Shop', 'companies/long/shops/1', 'UPDATE',"
            " array['display_name'], case when n = 5 then 'users/ada' else 'users/jean' end,"
            " '', '', '', '', '', 1, '', '' from generate_series(1, %s) n",
            [SCOPE, BEGIN, COUNT],
        )
        connection.execute("analyze changes")
    return shop


@pytest.fixture
def session(shop: Running) -> Iterator[ScopedSession]:
    with shop.resources.database.transaction(Scope(company="long", read_only=True)) as session:
        yield session


def pages(session: ScopedSession, wanted: Wanted, most: int) -> list[list[int]]:
    """The sequences of every page."""
    found: list[list[int]] = []
    before = None
    while True:
        page = scan.scan(session, CHANGES, wanted, before, most)
        found.append([row.sequence for row in page.rows])
        before = page.following
        if before is None:
            return found


def test_a_rare_change_is_found_by_pages_of_bounded_work(session: ScopedSession) -> None:
    found = pages(session, Wanted(SCOPE, actors=("users/ada",)), 50)

    assert [each for page in found for each in page] == [5]
    assert len(found) == COUNT // MOST_SCANNED + 1


def test_filtered_pages_repeat_nothing_and_miss_nothing(session: ScopedSession) -> None:
    whole = [each for page in pages(session, Wanted(SCOPE, actors=("users/jean",)), 777) for each in page]

    assert whole == [n for n in range(COUNT, 0, -1) if n != 5]


def test_the_history_of_one_resource_is_read_by_its_own_index(session: ScopedSession) -> None:
    found = pages(session, Wanted(SCOPE, history="companies/long/shops/2"), 40)

    assert [each for page in found for each in page] == list(range(COUNT, 0, -100))
    assert [len(page) for page in found] == [40, 40, 10]


def test_an_old_time_is_reached_at_once(session: ScopedSession) -> None:
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    wanted = Wanted(SCOPE, start=BEGIN + timedelta(minutes=10), end=BEGIN + timedelta(minutes=13))
    engine = session.connection().engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        found = pages(session, wanted, 50)
    finally:
        event.remove(engine, "before_cursor_execute", note)

    assert found == [[12, 11, 10]]
    assert len(statements) < 40


@pytest.mark.parametrize("minutes", [-10, 0, 1, 4500, COUNT, COUNT + 10])
def test_every_change_since_a_time_and_none_before_it(session: ScopedSession, minutes: int) -> None:
    time = BEGIN + timedelta(minutes=minutes)
    since = [n for page in pages(session, Wanted(SCOPE, start=time), 2000) for n in page]
    until = [n for page in pages(session, Wanted(SCOPE, end=time), 2000) for n in page]

    assert since == list(range(COUNT, max(minutes, 1) - 1, -1))
    assert until == list(range(min(max(minutes, 1) - 1, COUNT), 0, -1))


def test_times_that_go_back_a_little_hide_nothing(shop: Running) -> None:
    """Calls commit in another order than they began in: of three minutes each one stands where another might."""
    minutes = [3, 1, 2, 6, 5, 4, 9, 7, 8]
    with shop.database.administrator() as connection:
        for sequence, minute in enumerate(minutes, 1):
            connection.execute(
                "insert into changes select 'companies/hasty', %s, '1', '1', 'companies/hasty', %s, '', '', '',"
                " '{}', '', '', '', '', '', '', 1, '', ''",
                [sequence, BEGIN + timedelta(minutes=minute)],
            )
    with shop.resources.database.transaction(Scope(company="hasty", read_only=True)) as session:
        for minute in range(11):
            time = BEGIN + timedelta(minutes=minute)
            since = scan.scan(session, CHANGES, Wanted("companies/hasty", start=time), None, 50).rows
            until = scan.scan(session, CHANGES, Wanted("companies/hasty", end=time), None, 50).rows
            assert [row.sequence for row in reversed(since)] == [
                n for n, each in enumerate(minutes, 1) if each >= minute
            ]
            assert [row.sequence for row in reversed(until)] == [
                n for n, each in enumerate(minutes, 1) if each < minute
            ]


def rename(shop: Running, label: str, time: datetime) -> None:
    """A change of the only shop of a company, by a process whose clock says so."""
    with shop.resources.database.transaction(Scope(company="jumpy")) as session:
        row = session.scalars(select(ShopRow).where(ShopRow.shop_id == "33333333")).one_or_none()
        if row is None:
            row = ShopRow(shop_id="33333333", display_name=label, create_time=time, update_time=time)
            session.add(row)
        row.display_name = label
        session.flush()
        shop.resources.changes.append(session, Stamp(time, "users/ada", label, "/test"))


def test_a_clock_that_jumps_hides_nothing(shop: Running) -> None:
    hours = [0, 30, -200, 31, 1, 32]
    for number, hour in enumerate(hours):
        rename(shop, f"Label {number}", BEGIN + timedelta(hours=hour))

    dated = [0, 30, 30, 31, 31, 32]
    with shop.resources.database.transaction(Scope(company="jumpy", read_only=True)) as session:
        for hour in range(-201, 34):
            time = BEGIN + timedelta(hours=hour)
            since = scan.scan(session, CHANGES, Wanted("companies/jumpy", start=time), None, 50).rows
            assert [row.sequence for row in reversed(since)] == [
                n for n, each in enumerate(dated, 1) if each >= hour
            ]


def test_a_clock_that_is_behind_dates_nothing_before_what_it_waited_for(shop: Running) -> None:
    ahead = BEGIN + timedelta(days=30)
    waiting = (
        "select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%%change_heads%%'"
    )
    rename(shop, "There", BEGIN)

    def behind() -> bool:
        try:
            rename(shop, "Behind", BEGIN)
        except Fault:
            # It waits for no lock longer than a second.
            return False
        return True

    with ThreadPoolExecutor(1) as other, shop.database.administrator() as administrator:
        with shop.resources.database.transaction(Scope(company="jumpy")) as session:
            session.add(ShopRow(shop_id="44444444", display_name="New", create_time=ahead, update_time=ahead))
            session.flush()
            shop.resources.changes.append(session, Stamp(ahead, "users/ada", "ahead", "/test"))
            done = other.submit(until, behind, "it is written")
            until(lambda: administrator.execute(waiting).fetchone(), "somebody waits for the head")
        assert done.result()
        rows = administrator.execute(
            "select time from changes where scope = 'companies/jumpy' order by sequence desc limit 2"
        ).fetchall()
    assert [(ahead,), (ahead,)] == rows


def test_another_companys_session_finds_nothing(shop: Running) -> None:
    with shop.resources.database.transaction(Scope(company="acme", read_only=True)) as session:
        assert scan.scan(session, CHANGES, Wanted(SCOPE), None, 50).rows == []
        assert not scan.exists(session, CHANGES, SCOPE, "companies/long/shops/1")
        assert ChangeLog("shop", TABLES.log, shop.resources.vault).opened(session, SCOPE, [1]) == {}


def test_no_page_reads_more_rows_than_its_bound(shop: Running) -> None:
    with shop.resources.database.transaction(Scope(company="long", read_only=True)) as session:
        scan.scan(session, CHANGES, Wanted(SCOPE, actors=("users/ada",)), None, 50)
    with shop.database.administrator() as connection:
        plan = connection.execute(
            "explain (analyze, format json) select * from (select * from changes where scope = %s"
            " and sequence >= 1 order by sequence desc limit %s) w where actor = 'users/ada'",
            [SCOPE, MOST_SCANNED],
        ).fetchone()
    assert plan is not None
    assert _most_rows(plan[0][0]["Plan"]) <= MOST_SCANNED


def _most_rows(node: dict[str, object]) -> float:
    inner = node.get("Plans", [])
    assert isinstance(inner, list)
    return max([float(str(node["Actual Rows"])), *(_most_rows(each) for each in inner)])

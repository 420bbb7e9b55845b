"""Uses of keys: added up by whoever counts, never lost to a database that is away (SH12)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from services.chassis.db.database import Database
from services.chassis.service import Service
from services.chassis.testing.postgres import Clone
from services.shop.key_uses import Use, Uses
from services.shop.service import SHOP

NOW = datetime(2026, 11, 24, tzinfo=UTC)
OURS = Use("acme", "12345678", "form-test", 1, "payment-engine/form")
THEIRS = OURS._replace(company="victim", shop_id="87654321")


@pytest.fixture(scope="module")
def cloned(clone: Callable[[Service], Clone]) -> Clone:
    return clone(SHOP)


@pytest.fixture
def database(cloned: Clone) -> Iterator[Database]:
    opened = Database(cloned.urls["svc"], connections=6)
    yield opened
    opened.close()
    with cloned.administrator() as connection:
        connection.execute("delete from shop_key_uses")


def written(cloned: Clone) -> dict[tuple[str, str], tuple[int, datetime]]:
    """Count and last time by company and integration."""
    with cloned.administrator() as connection:
        rows = connection.execute(
            "select company, integration, count, last_use_time from shop_key_uses"
        ).fetchall()
    return {(company, integration): (count, last) for company, integration, count, last in rows}


def test_what_several_processes_count_at_once_adds_up(cloned: Clone, database: Database) -> None:
    counting = [Uses(database) for _ in range(4)]

    def work(uses: Uses, number: int) -> None:
        for n in range(25):
            for use in (OURS, THEIRS) if number % 2 else (THEIRS, OURS):
                uses.count(use, NOW + timedelta(seconds=n))
            uses.write()

    threads = [threading.Thread(target=work, args=(uses, number)) for number, uses in enumerate(counting)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for uses in counting:
        uses.close()

    expected = (100, NOW + timedelta(seconds=24))
    assert {("acme", OURS.integration): expected, ("victim", OURS.integration): expected} == written(cloned)


def test_an_older_use_that_is_written_later_does_not_turn_the_time_back(
    cloned: Clone, database: Database
) -> None:
    uses = Uses(database)
    for time in (NOW, NOW - timedelta(days=1)):
        uses.count(OURS, time)
        uses.write()

    assert written(cloned) == {("acme", OURS.integration): (2, NOW)}


def test_what_could_not_be_written_is_kept_and_holds_up_no_other_company(
    cloned: Clone, database: Database
) -> None:
    uses = Uses(database)
    unwritable = OURS._replace(company="before", integration="\0")
    for use in (OURS, unwritable, unwritable, THEIRS):
        uses.count(use, NOW)

    uses.write()

    assert set(written(cloned)) == {("acme", OURS.integration), ("victim", OURS.integration)}
    assert uses._counted == {unwritable: (2, NOW)}


def test_what_was_counted_while_the_database_was_away_is_written_when_it_is_back(
    cloned: Clone, database: Database
) -> None:
    uses = Uses(database)
    uses.count(OURS, NOW)
    with cloned.administrator() as connection:
        connection.execute("alter table shop_key_uses rename to gone")
        connection.commit()
        uses.write()
        uses.count(OURS, NOW)
        connection.execute("alter table gone rename to shop_key_uses")
        connection.commit()
    uses.write()

    assert written(cloned) == {("acme", OURS.integration): (2, NOW)}


def test_what_is_left_is_written_at_the_end(cloned: Clone, database: Database) -> None:
    uses = Uses(database)
    uses.rounds.start()
    uses.count(OURS._replace(company="aaa", integration="\0"), NOW)
    uses.count(OURS, NOW)

    uses.close()

    assert written(cloned) == {("acme", OURS.integration): (1, NOW)}

"""A database that freezes, falls, is locked or takes no writes: a 503 that says so, felt by its own service alone."""

from __future__ import annotations

import time

from deploy.local.databases import database_name
from deploy.local.platforms import Platform
from deploy.local.postgres import Cluster
from services.chassis.mirrors.standing import OLDEST
from services.chassis.testing.waiting import until
from tests.faults.freezing import frozen
from tests.faults.visitor import GENEROUS_SECONDS, Visitor, recovers, refused_in_time


def refuses(visitor: Visitor) -> list[str]:
    """The reasons with which a read and a write are refused."""
    outcomes = [visitor.reads_shop(), visitor.renames_shop()]
    assert all(map(refused_in_time, outcomes)), outcomes
    return [outcome.reason for outcome in outcomes]


def test_a_database_that_froze_is_told_in_time_and_works_as_soon_as_it_thaws(
    faulty: Platform, visitor: Visitor
) -> None:
    with frozen(faulty, "postgres"):
        first, second = refuses(visitor), refuses(visitor)

    recovers("a freeze", visitor.reads_shop, visitor.renames_shop)
    assert {*first, *second} <= {"DATABASE_UNAVAILABLE", "DATABASE_BUSY"}


def test_a_database_that_was_killed_is_back_with_everything_that_was_acknowledged(
    faulty: Platform, visitor: Visitor
) -> None:
    faulty.kill("postgres")
    between = visitor.renames_shop()
    recovers("a kill", visitor.reads_shop, visitor.renames_shop, visitor.corrects_company)

    assert between.status == 200 or refused_in_time(between), between


def test_a_locked_table_is_busy_and_no_other_service_feels_it(faulty: Platform, visitor: Visitor) -> None:
    server = Cluster(faulty.layout.postgres, faulty.ports["postgres"]).server

    outcomes, beside = [], []
    with server.administrator(database_name("shop")) as connection, connection.transaction():
        connection.execute("lock table shops, shop_keys in access exclusive mode")
        # Longer than grants may go unheard of: whom the lock is nothing to must not be told less by it.
        end = time.monotonic() + OLDEST.total_seconds() + 1
        while time.monotonic() < end:
            outcomes += [visitor.reads_shop(), visitor.renames_shop()]
            beside += [visitor.reads_company(), visitor.corrects_company()]

    recovers("a lock", visitor.reads_shop, visitor.renames_shop)
    assert all(map(refused_in_time, outcomes)), outcomes
    assert {outcome.reason for outcome in outcomes} == {"DATABASE_BUSY"}
    assert {outcome.status for outcome in beside} == {200}


def test_a_database_that_takes_no_writes_is_still_read_and_no_other_service_feels_it(
    faulty: Platform, visitor: Visitor
) -> None:
    server, name = Cluster(faulty.layout.postgres, faulty.ports["postgres"]).server, database_name("shop")
    switch = f"alter database {name} set default_transaction_read_only = "
    anew = (
        "select pg_terminate_backend(pid) from pg_stat_activity"
        f" where datname = '{name}' and pid <> pg_backend_pid()"
    )
    with server.administrator() as connection:
        connection.execute(f"{switch} on".encode())
        connection.execute(anew.encode())
    try:
        until(
            lambda: visitor.renames_shop().reason == "DATABASE_READ_ONLY",
            "writes are refused",
            GENEROUS_SECONDS,
        )
        written, read = visitor.renames_shop(), visitor.reads_shop()
        beside = visitor.corrects_company()
    finally:
        with server.administrator() as connection:
            connection.execute(f"{switch} off".encode())
            connection.execute(anew.encode())

    recovers("a time of no writes", visitor.renames_shop)
    assert refused_in_time(written), written
    assert (read.status, beside.status) == (200, 200)

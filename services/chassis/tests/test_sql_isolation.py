"""Row-level security alone, with the session's own scoping off: each part of it is needed, and missed when it is gone.

The parts are read from the database of every service, so that a new table is covered by being there. Each is taken away
in turn, inside a transaction that is rolled back; both the catalog's gate and the roles' own experience must notice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy import Connection

from services.chassis.service import Service
from services.chassis.testing.catalog import departures
from services.chassis.testing.declared import classes_of, fed
from services.chassis.testing.every_service import SERVICES
from services.chassis.testing.sql_isolation import breaches
from services.chassis.tests.sample.rows import SAMPLE

Look = Callable[[Service], Connection]
ALL = {**SERVICES, "sample": SAMPLE}
every_service = pytest.mark.parametrize("service", ALL.values(), ids=ALL)


@dataclass(frozen=True)
class Slip:
    """One part taken away, or one hole made: on which table, and by which statement."""

    table: str
    statement: str


def unnoticed(
    connection: Connection,
    slips: list[Slip],
    notice: Callable[[Slip], Iterable[str]],
) -> list[str]:
    """The statements after which nothing is found to be wrong."""
    survived = []
    for slip in slips:
        with connection.begin_nested() as trial:
            connection.exec_driver_sql(slip.statement)
            if not any(notice(slip)):
                survived.append(slip.statement)
            trial.rollback()
    return survived


def by_gate(connection: Connection, service: Service, slips: list[Slip], about: str) -> list[str]:
    """The statements that the catalog's gate lets pass."""
    return unnoticed(connection, slips, lambda _: departures(connection, service, about))


def by_experience(connection: Connection, service: Service, slips: list[Slip]) -> list[str]:
    """The statements after which every role still sees and writes what is its to."""
    return unnoticed(connection, slips, lambda slip: breaches(connection, service, [slip.table]))


def policies(connection: Connection) -> list[tuple[str, str, bool, bool]]:
    """Table, name, whether it filters what is seen and what is written."""
    rows = connection.exec_driver_sql(
        "select tablename::text, policyname::text, qual is not null and qual <> 'true',"
        " with_check is not null and with_check <> 'true' from pg_policies"
    )
    return [(row[0], row[1], row[2], row[3]) for row in rows]


def secured(connection: Connection) -> list[str]:
    return list(
        connection.exec_driver_sql(
            "select relname::text from pg_class where relrowsecurity and relnamespace = 'public'::regnamespace"
        ).scalars()
    )


@every_service
def test_no_role_sees_or_writes_what_is_not_its_to(look: Look, service: Service) -> None:
    assert list(breaches(look(service), service)) == []


@every_service
def test_each_policy_is_missed_when_it_is_removed(look: Look, service: Service) -> None:
    connection = look(service)
    slips = [Slip(table, f"drop policy {name} on {table}") for table, name, *_ in policies(connection)]

    assert len(slips) >= len(secured(connection)) > 0
    assert by_experience(connection, service, slips) == []
    assert by_gate(connection, service, slips, "policies") == []


@every_service
def test_each_policy_is_missed_when_it_is_open(look: Look, service: Service) -> None:
    connection = look(service)
    slips = [slip for each in policies(connection) for slip in opened(*each)]

    assert slips
    assert by_experience(connection, service, slips) == []
    assert by_gate(connection, service, slips, "policies") == []


def opened(table: str, name: str, sees: bool, writes: bool) -> Iterator[Slip]:
    if sees:
        yield Slip(table, f"alter policy {name} on {table} using (true)")
    if writes:
        yield Slip(table, f"alter policy {name} on {table} with check (true)")


@every_service
def test_row_security_is_missed_when_it_is_off_or_spares_the_owner(look: Look, service: Service) -> None:
    connection = look(service)
    tables = secured(connection)
    off = [Slip(table, f"alter table {table} disable row level security") for table in tables]
    spared = [Slip(table, f"alter table {table} no force row level security") for table in tables]
    swept = {table for table, name, *_ in policies(connection) if name.endswith("_sweep")}

    assert by_experience(connection, service, off) == []
    # Where the owner sees every row by a policy anyway, only the catalog can tell.
    assert by_experience(connection, service, [slip for slip in spared if slip.table not in swept]) == []
    assert by_gate(connection, service, off + spared, "row security") == []


@every_service
def test_a_second_policy_is_noticed(look: Look, service: Service) -> None:
    connection = look(service)
    slips = [
        Slip(table, f"create policy second on {table} to {service.name}_svc using (true)")
        for table in secured(connection)
    ]

    assert by_experience(connection, service, slips) == []
    assert by_gate(connection, service, slips, "policies") == []


@every_service
def test_a_right_too_many_is_noticed_on_every_table(look: Look, service: Service) -> None:
    connection = look(service)
    tables = [*classes_of(service), "alembic_version"]
    slips = [
        Slip(table, f"grant {right} on {table} to {role}")
        for table in tables
        for right, role in (
            ("select", "public"),
            ("truncate", f"{service.name}_svc"),
            ("trigger", f"{service.name}_svc"),
            ("insert", f"{service.name}_feed"),
        )
    ]
    unfed = [
        Slip(table, f"grant select on {table} to {service.name}_feed")
        for table in secured(connection)
        if table not in fed(service)
    ]

    assert by_gate(connection, service, slips + unfed, "grants") == []


@every_service
def test_views_and_functions_around_every_table_are_noticed(look: Look, service: Service) -> None:
    connection = look(service)
    views = [
        Slip(
            table,
            f"create view around as select * from {table}; grant select on around to {service.name}_svc",
        )
        for table in secured(connection)
    ]
    functions = [
        Slip(
            table,
            f"create function around() returns bigint language sql security definer set search_path = public, pg_temp"
            f" as 'select count(*) from {table}'",
        )
        for table in secured(connection)
    ]

    assert by_experience(connection, service, views) == []
    assert by_gate(connection, service, views + functions, "objects") == []


@every_service
def test_a_foreign_key_that_leaves_its_owner_is_noticed(look: Look, service: Service) -> None:
    connection = look(service)
    kinds = classes_of(service)
    slips = [
        Slip(
            table,
            f"alter table {table} add column stray text;"
            f" create unique index strays on {table} ({first});"
            f" alter table {table} add constraint stray foreign key (stray) references {table} ({first})",
        )
        for table, first in text_keys(connection)
        if kinds.get(table) is not None and table in secured(connection)
    ]

    assert slips
    assert by_gate(connection, service, slips, "foreign keys") == []


def text_keys(connection: Connection) -> list[tuple[str, str]]:
    """Each table with the last text column of its primary key."""
    rows = connection.exec_driver_sql(
        "select distinct on (c.oid) c.relname::text, a.attname::text from pg_index i"
        " join pg_class c on c.oid = i.indrelid join pg_attribute a on a.attrelid = c.oid and a.attnum = any (i.indkey)"
        " where i.indisprimary and a.atttypid = 'text'::regtype and c.relnamespace = 'public'::regnamespace"
        " order by c.oid, a.attnum desc"
    )
    return [(row[0], row[1]) for row in rows]

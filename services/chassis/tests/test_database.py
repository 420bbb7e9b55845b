"""The database when it is not at its best: read-only, contended, lost, or refusing what nobody foresaw."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial

import psycopg
import pytest
from psycopg.errors import ConnectionTimeout
from sqlalchemy import func, select
from structlog.testing import capture_logs

from services.chassis.db.database import Database
from services.chassis.db.patience import REST_SECONDS, Dialling
from services.chassis.db.scope import Scope
from services.chassis.db.tenancy import ScopedSession
from services.chassis.errors import Internal, TimedOut, Unavailable
from services.chassis.service import Service
from services.chassis.testing.postgres import Clone
from services.chassis.testing.waiting import until
from services.chassis.tests.sample.rows import SAMPLE, Note

ACME = Scope(company="acme")


@pytest.fixture
def sample(clone: Callable[[Service], Clone]) -> Clone:
    made = clone(SAMPLE)
    with made.administrator() as connection:
        connection.execute("insert into notes values ('acme', 'n', 'acme')")
    return made


@pytest.fixture
def database(sample: Clone) -> Iterator[Database]:
    opened = Database(sample.urls["svc"], connections=2)
    yield opened
    opened.close()


def change(database: Database, text: str) -> None:
    with database.transaction(ACME) as session:
        session.scalars(select(Note)).one().text = text


def test_a_database_that_takes_no_writes_is_still_read_and_says_so_to_writers(
    sample: Clone, database: Database
) -> None:
    with sample.administrator() as connection:
        connection.execute(f"alter database {sample.name} set default_transaction_read_only = on")

    with database.transaction(ACME) as session:
        assert session.scalars(select(Note.text)).all() == ["acme"]
    with pytest.raises(Unavailable) as refused:
        change(database, "new")

    assert refused.value.reason == "DATABASE_READ_ONLY"


def test_a_call_that_only_reads_cannot_write(database: Database) -> None:
    with pytest.raises(Unavailable), database.transaction(Scope(company="acme", read_only=True)) as session:
        session.scalars(select(Note)).one().text = "new"


def test_a_row_that_somebody_holds_is_busy_and_not_away(sample: Clone, database: Database) -> None:
    with sample.administrator() as connection:
        connection.autocommit = False
        connection.execute("select from notes for update")
        with pytest.raises(Unavailable) as refused:
            change(database, "new")
        connection.rollback()

    assert (refused.value.reason, refused.value.retry_after_seconds) == ("DATABASE_BUSY", 1)


def test_an_unforeseen_refusal_leaves_a_line_that_says_where_and_quotes_nothing(
    sample: Clone, database: Database
) -> None:
    with sample.administrator() as connection:
        connection.execute("alter table notes add constraint odd check (text <> 'forbidden')")

    with capture_logs() as lines, pytest.raises(Internal):
        change(database, "forbidden")

    (line,) = [line for line in lines if line["event"] == "unforeseen database error"]
    assert (line["sqlstate"], line["constraint"]) == ("23514", "odd")
    assert any("database.py" in frame for frame in line["where"])
    assert "forbidden" not in str(line)


def test_a_lost_host_is_given_up_in_seconds(database: Database) -> None:
    with database.transaction(ACME) as session:
        driver = session.connection().connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        end = socket.socket(fileno=driver.fileno())
        try:
            kept = [end.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) for name in _BOUNDS]
        finally:
            end.detach()

    assert kept == [10_000, 4, 2, 3]


_BOUNDS = ("TCP_USER_TIMEOUT", "TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT")


def test_a_full_disk_is_told_to_writers_and_leaves_readers_alone(sample: Clone, database: Database) -> None:
    with sample.administrator() as connection:
        connection.execute(
            "create function full_disk() returns trigger language plpgsql as"
            " $$ begin raise exception 'no space left' using errcode = 'disk_full'; end $$"
        )
        connection.execute("create trigger full_disk before update on notes execute function full_disk()")

    with pytest.raises(Unavailable) as refused:
        change(database, "new")

    assert refused.value.reason == "DATABASE_FULL"
    with database.transaction(ACME) as session:
        assert session.scalars(select(Note.text)).all() == ["acme"]


@contextmanager
def frozen(process: int) -> Iterator[None]:
    """A process of the server that says nothing any more, on a host that lives."""
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


def served_by(database: Database) -> int | None:
    """The process of the server that changes a row for us; None while there is none."""
    with suppress(Unavailable), database.transaction(ACME) as session:
        session.scalars(select(Note)).one().text = "later"
        session.flush()
        return backend(session)
    return None


def backend(session: ScopedSession) -> int:
    return int(session.connection().scalar(select(func.pg_backend_pid())) or 0)


def test_a_server_that_froze_holds_a_call_no_longer_than_its_time_and_no_other(database: Database) -> None:
    brief = Scope(company="acme", timeout_ms=300)
    with ExitStack() as freezing:

        def read() -> None:
            with database.transaction(brief) as session:
                freezing.enter_context(frozen(backend(session)))
                session.scalars(select(Note)).all()

        began = time.monotonic()
        with pytest.raises(Unavailable) as refused:
            read()
        waited = time.monotonic() - began

        until(partial(served_by, database), "others are served, while it is still frozen")

    assert refused.value.reason == "DATABASE_UNAVAILABLE"
    # Far less than any time-out of PostgreSQL or TCP.
    assert waited < 5


def test_a_connection_that_froze_while_it_lay_idle_is_replaced(database: Database) -> None:
    with database.transaction(ACME) as session:
        process = backend(session)
    connection = database.engine.raw_connection()
    entry = connection._connection_record
    connection.close()
    entry.info["idle_since"] = time.monotonic() - 60

    with frozen(process):
        assert process != until(
            partial(served_by, database), "another connection is there, while it is frozen"
        )


def test_a_server_that_let_somebody_wait_in_vain_is_not_asked_again_for_a_moment() -> None:
    dialling = Dialling()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port, options = silent.getsockname()[1], {"connect_timeout": 2}
        with pytest.raises(ConnectionTimeout):
            dialling(None, None, (f"host=127.0.0.1 port={port}",), options)
        began = time.monotonic()
        with pytest.raises(psycopg.OperationalError):
            dialling(None, None, (f"host=127.0.0.1 port={port}",), options)

    assert time.monotonic() - began < REST_SECONDS


def test_what_is_slow_and_not_frozen_is_told_so_by_the_server(database: Database) -> None:
    with pytest.raises(TimedOut) as refused, database.transaction(Scope("acme", timeout_ms=100)) as session:
        session.connection().execute(select(func.pg_sleep(30)))

    assert refused.value.reason == "DATABASE_TIMEOUT"


def test_nobody_connects_or_makes_temporary_tables_who_need_not(sample: Clone, database: Database) -> None:
    with database.transaction(ACME) as session:
        rights = session.execute(
            select(
                func.has_database_privilege("sample_svc", sample.name, "CONNECT"),
                func.has_database_privilege("sample_svc", sample.name, "TEMPORARY"),
                func.has_database_privilege("public", sample.name, "CONNECT"),
            )
        ).one()

    assert tuple(rights) == (True, False, False)


def insert_key(sample: Clone, company: str, user: str, key: tuple[str, int]) -> None:
    with psycopg.connect(sample.urls["svc"]) as connection:
        connection.execute(
            "select set_config('app.company', %s, false), set_config('app.user', %s, false)", [company, user]
        )
        connection.execute(
            "insert into data_keys (company, version, kek_id, wrapped) values (%s, %s, 'kek', 'x')", key
        )


@pytest.mark.parametrize(
    ("company", "user", "key"),
    [
        ("acme", "", ("acme", 1)),
        ("", "ada", ("users/ada", 1)),
        ("", "", ("-", 1)),
        ("", "ada", ("-", 0)),
    ],
)
def test_each_scope_adds_its_own_data_keys(
    sample: Clone, company: str, user: str, key: tuple[str, int]
) -> None:
    insert_key(sample, company, user, key)

    with psycopg.connect(sample.urls["svc"]) as connection:
        connection.execute(
            "select set_config('app.company', %s, false), set_config('app.user', %s, false)", [company, user]
        )
        assert connection.execute("select company, version from data_keys").fetchall() == [key]


@pytest.mark.parametrize(
    ("company", "user", "key"),
    [
        ("acme", "", ("-", 0)),
        ("acme", "", ("-", 1)),
        ("", "ada", ("-", 1)),
        ("acme", "", ("other", 1)),
        ("", "", ("acme", 1)),
    ],
)
def test_no_scope_adds_data_keys_of_others(
    sample: Clone, company: str, user: str, key: tuple[str, int]
) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        insert_key(sample, company, user, key)

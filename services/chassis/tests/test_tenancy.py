"""The session confines every statement or refuses it, and row-level security alone hides the same rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, create_engine, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from services.chassis.db.database import Database, enter
from services.chassis.db.scope import Scope, Unscoped, watch_transactions
from services.chassis.db.tenancy import ready
from services.chassis.service import Service
from services.chassis.testing.postgres import Clone
from services.chassis.tests.sample import statements
from services.chassis.tests.sample.rows import SAMPLE, Diary, Line, Note, Seat, Setting, Sign

ACME = Scope(company="acme")
ROWS = """
insert into notes values ('acme', 'n', 'acme'), ('other', 'n', 'other'), ('', 'n', 'nobody');
insert into lines values ('acme', 'n', 'l', 'acme'), ('other', 'n', 'l', 'other');
insert into diaries values ('ada', 'ada'), ('eve', 'eve'), ('', 'nobody');
insert into seats values ('acme', 'ada', 'ada@acme'), ('acme', 'eve', 'eve@acme'), ('other', 'ada', 'ada@other');
insert into settings values ('one', 'one');
"""
SCOPED_TABLES = ("notes", "lines", "diaries", "seats")


@dataclass(frozen=True)
class Kind:
    """A way to open sessions on a database with both companies' rows."""

    clone: Clone
    open: Callable[[Scope], Session]

    def content(self) -> dict[str, list[Any]]:
        """Every row, as nobody but an administrator sees them."""
        with self.clone.administrator() as connection:
            return {
                table: connection.execute(f"select * from {table} order by 1, 2").fetchall()
                for table in SCOPED_TABLES
            }


class Bare(Session):
    """A session that knows its scope, for the database to be told, and does nothing about it."""

    scope: Scope


def bare(engine: Engine) -> Callable[[Scope], Session]:
    def start(scope: Scope) -> Session:
        session = Bare()
        session.scope = scope
        session.bind = engine.execution_options(scope_of=session)
        return session

    return start


@pytest.fixture(scope="module")
def kinds(clone: Callable[[Service], Clone]) -> Iterator[dict[str, Kind]]:
    guarded, unguarded = clone(SAMPLE), clone(SAMPLE)
    for each in (guarded, unguarded):
        with each.administrator() as connection:
            connection.execute(ROWS)
    with unguarded.administrator() as connection:
        for table in SCOPED_TABLES:
            connection.execute(f"alter table {table} disable row level security")
    databases = [Database(each.urls["svc"], connections=2) for each in (guarded, unguarded)]
    engine = create_engine(guarded.urls["svc"].replace("postgresql://", "postgresql+psycopg://", 1))
    watch_transactions(engine)
    yield {
        "session and policies": Kind(guarded, databases[0].open),
        "session alone": Kind(unguarded, databases[1].open),
        "policies alone": Kind(guarded, bare(engine)),
    }
    engine.dispose()
    for database in databases:
        database.close()


READY_SEATS = ready(select(Seat.text).order_by(Seat.text))
EVERY_KIND = ("session and policies", "session alone", "policies alone")
SESSIONS = EVERY_KIND[:2]


@pytest.fixture
def open_session(kinds: dict[str, Kind]) -> Iterator[Callable[[str, Scope], Session]]:
    """Opens sessions whose transactions are rolled back at the end of the test."""
    opened: list[Session] = []

    def start(kind: str, scope: Scope) -> Session:
        opened.append(kinds[kind].open(scope))
        return opened[-1]

    yield start
    for session in opened:
        session.close()


Open = Callable[[str, Scope], Session]


@pytest.mark.parametrize("kind", EVERY_KIND)
@pytest.mark.parametrize("shape", statements.READS)
def test_every_shape_of_reading_sees_its_own_company_and_no_other(
    open_session: Open, kind: str, shape: str
) -> None:
    assert set(statements.READS[shape](open_session(kind, ACME))) == {"acme"}


@pytest.mark.parametrize("kind", EVERY_KIND)
@pytest.mark.parametrize("shape", statements.READS)
def test_without_a_company_there_is_nothing_to_see(open_session: Open, kind: str, shape: str) -> None:
    assert set(statements.READS[shape](open_session(kind, Scope()))) <= {None}


@pytest.mark.parametrize("kind", EVERY_KIND)
@pytest.mark.parametrize("shape", statements.LOOKS)
def test_no_look_finds_what_is_another_companys(open_session: Open, kind: str, shape: str) -> None:
    assert not statements.LOOKS[shape](open_session(kind, ACME))


@pytest.mark.parametrize("kind", EVERY_KIND)
@pytest.mark.parametrize("shape", statements.WRITES)
def test_every_shape_of_writing_reaches_its_own_company_and_no_other(
    open_session: Open, kinds: dict[str, Kind], kind: str, shape: str
) -> None:
    before = kinds[kind].content()
    session = open_session(kind, ACME)
    statements.WRITES[shape](session)
    session.commit()
    after = kinds[kind].content()
    try:
        assert others(after) == others(before)
        assert after != before
    finally:
        restore(kinds[kind])


@pytest.mark.parametrize("kind", SESSIONS)
@pytest.mark.parametrize("shape", statements.REFUSED)
def test_the_session_refuses_what_it_cannot_scope(open_session: Open, kind: str, shape: str) -> None:
    with pytest.raises(Unscoped):
        statements.REFUSED[shape](open_session(kind, ACME))


@pytest.mark.parametrize("shape", statements.NOT_READY)
def test_nothing_is_made_ready_that_no_session_would_confine(shape: str) -> None:
    with pytest.raises(Unscoped):
        ready(statements.NOT_READY[shape])


@pytest.mark.parametrize("shape", statements.REFUSED)
def test_what_the_session_would_refuse_still_reaches_no_other_company(
    open_session: Open, kinds: dict[str, Kind], shape: str
) -> None:
    kind = kinds["policies alone"]
    before = kind.content()
    session = open_session("policies alone", ACME)
    seen: object = None
    with suppress(DBAPIError, StaleDataError):
        seen = statements.REFUSED[shape](session)
        session.commit()
    session.close()
    try:
        assert "other" not in str(seen)
        assert others(kind.content()) == others(before)
    finally:
        restore(kind)


@pytest.mark.parametrize("kind", EVERY_KIND)
@pytest.mark.parametrize("scope", [ACME, Scope(), Scope(user="ada")], ids=str)
@pytest.mark.parametrize("shape", statements.FOREIGN)
def test_nothing_is_written_for_somebody_else(
    open_session: Open, kinds: dict[str, Kind], kind: str, scope: Scope, shape: str
) -> None:
    before = kinds[kind].content()
    session = open_session(kind, scope)
    with pytest.raises((DBAPIError, StaleDataError) if kind == "policies alone" else Unscoped):
        statements.FOREIGN[shape](session)
    session.close()

    assert kinds[kind].content() == before


@pytest.mark.parametrize("kind", SESSIONS)
def test_new_rows_get_the_company_of_the_session(open_session: Open, kind: str) -> None:
    session = open_session(kind, ACME)
    session.add(Note(note_id="new", text="acme", lines=[Line(line_id="l", text="acme")]))
    session.flush()

    assert session.scalars(select(Line.company).where(Line.note_id == "new")).all() == ["acme"]


@pytest.mark.parametrize("kind", EVERY_KIND)
@pytest.mark.parametrize(
    ("scope", "diaries", "seats"),
    [
        (ACME, [], ["ada@acme", "eve@acme"]),
        (Scope(user="ada"), ["ada"], ["ada@acme", "ada@other"]),
        (Scope(user="nobody"), [], []),
        (Scope(), [], []),
    ],
    ids=str,
)
def test_people_and_their_places_are_seen_by_whom_they_belong_to(
    open_session: Open, kind: str, scope: Scope, diaries: list[str], seats: list[str]
) -> None:
    session = open_session(kind, scope)

    assert diaries == session.scalars(select(Diary.text).order_by(Diary.text)).all()
    for query in (select(Seat.text).order_by(Seat.text), READY_SEATS):
        assert seats == session.scalars(query).all()


@pytest.mark.parametrize("kind", EVERY_KIND)
@pytest.mark.parametrize("scope", [ACME, Scope(), Scope(user="ada")], ids=str)
def test_what_is_nobodys_is_open_to_all(open_session: Open, kind: str, scope: Scope) -> None:
    session = open_session(kind, scope)
    session.add(Sign(word="word", company="other"))
    session.flush()

    assert session.scalars(select(Setting.value)).all() == ["one"]
    assert session.scalars(select(Sign.company)).all() == ["other"]


@pytest.mark.parametrize("kind", SESSIONS)
def test_a_call_enters_the_company_it_found_and_stays_there(open_session: Open, kind: str) -> None:
    session: Any = open_session(kind, Scope())
    assert session.scalars(select(Note.text)).all() == []

    enter(session, ACME)

    assert session.scalars(select(Note.text)).all() == ["acme"]
    with pytest.raises(ValueError, match="one scope"):
        enter(session, Scope(company="other"))


def test_a_connection_that_was_never_told_a_company_sees_nothing(kinds: dict[str, Kind]) -> None:
    with psycopg.connect(kinds["policies alone"].clone.urls["svc"]) as connection:
        for table in SCOPED_TABLES:
            assert connection.execute(f"select * from {table}").fetchall() == []


def test_a_connection_that_served_a_company_serves_nobody_next(clone: Callable[[Service], Clone]) -> None:
    fresh = clone(SAMPLE)
    with fresh.administrator() as connection:
        connection.execute(ROWS)
    database = Database(fresh.urls["svc"], connections=1)
    backends = set()
    for scope, seen in [
        (Scope(), []),
        (ACME, ["acme"]),
        (Scope(), []),
        (Scope(user="ada"), []),
        (Scope(), []),
    ]:
        for end in (Session.commit, Session.rollback):
            with database.open(scope) as session:
                backends.add(session.scalar(select(func.pg_backend_pid())))
                assert seen == session.scalars(select(Note.text)).all()
                end(session)
    database.close()

    assert len(backends) == 1


def test_mixed_calls_over_two_connections_never_see_each_other(kinds: dict[str, Kind]) -> None:
    random = Random(20)
    scopes = [
        random.choice([Scope(), ACME, Scope(company="other"), Scope(user="ada"), Scope(user="eve")])
        for _ in range(400)
    ]

    def call(number: int) -> None:
        scope = scopes[number]
        with kinds["session and policies"].open(scope) as session:
            assert [scope.company] * bool(scope.company) == session.scalars(select(Note.text)).all()
            assert [scope.user] * bool(scope.user) == session.scalars(select(Diary.text)).all()
            assert [scope.company] * bool(scope.company) == session.scalars(statements.READY).all()
            if number % 3:
                session.commit()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(call, range(len(scopes))))


def others(content: dict[str, list[Any]]) -> list[Any]:
    """Rows that are not of acme, nor of any one person in it."""
    return [row for table in SCOPED_TABLES for row in content[table] if row[0] != "acme"]


def restore(kind: Kind) -> None:
    with kind.clone.administrator() as connection:
        connection.execute("truncate notes, lines, diaries, seats, settings, signs")
        connection.execute(ROWS)

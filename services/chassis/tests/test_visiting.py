"""One transaction may visit somebody else's rows: one scope at a time, each held to its own log, all or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import select
from sqlalchemy.orm.exc import StaleDataError

from services.chassis.db.database import Database, visiting
from services.chassis.db.scope import Scope, Unscoped
from services.chassis.db.tenancy import ScopedSession
from services.chassis.service import Service
from services.chassis.testing.postgres import Clone
from services.chassis.tests.sample.rows import SAMPLE, Diary, Note

ADA, ACME = Scope(user="ada"), Scope(company="acme")


@pytest.fixture(scope="module")
def database(clone: Callable[[Service], Clone]) -> Iterator[Database]:
    database = Database(clone(SAMPLE).urls["svc"], connections=2)
    yield database
    database.close()


@pytest.fixture(autouse=True)
def _rows(database: Database) -> Iterator[None]:
    with database.transaction(ADA) as session:
        session.add(Diary(text="ada"))
    with database.transaction(ACME) as session:
        session.add(Note(note_id="n", text="acme"))
    yield
    for scope, row in ((ADA, Diary), (ACME, Note)):
        with database.transaction(scope) as session:
            for each in session.scalars(select(row)):
                session.delete(each)


def seen(session: ScopedSession) -> list[str]:
    return [*session.scalars(select(Diary.text)), *session.scalars(select(Note.text))]


def test_a_visit_sees_what_it_visits_and_nothing_else_and_then_what_was_seen_before(
    database: Database,
) -> None:
    with database.transaction(ADA) as session:
        before = seen(session)
        with visiting(session, ACME) as inner:
            there = seen(inner)
            bare = inner.connection().exec_driver_sql("select text from diaries union select text from notes")
            found = list(bare.scalars())
        after = seen(session)

    assert (before, there, found, after) == (["ada"], ["acme"], ["acme"], ["ada"])


def test_both_sides_are_written_together_or_not_at_all(database: Database) -> None:
    def write(fail: bool) -> None:
        with database.transaction(ADA) as session:
            with visiting(session, ACME) as inner:
                inner.scalars(select(Note)).one().text = "visited"
            session.scalars(select(Diary)).one().text = "visited"
            if fail:
                raise LookupError

    def written() -> list[str]:
        with database.transaction(ADA) as session, visiting(session, ACME) as inner:
            return seen(inner)

    with pytest.raises(LookupError):
        write(fail=True)
    assert written() == ["acme"]
    write(fail=False)
    assert written() == ["visited"]


def test_a_row_of_one_side_is_not_written_on_the_other(database: Database) -> None:
    with pytest.raises(Unscoped), database.transaction(ADA) as session, visiting(session, ACME) as inner:
        inner.add(Diary(user_id="ada", text="from there"))


def test_what_was_read_before_a_visit_is_not_written_during_it(database: Database) -> None:
    with database.open(ADA) as session:
        session.scalars(select(Diary)).one().text = "from there"
        with session.no_autoflush, visiting(session, ACME), pytest.raises(StaleDataError):
            session.flush()

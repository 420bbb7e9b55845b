"""Scopes the session, not the queries: whatever a service asks for is confined to the call's company or person.

Row-level security stands behind it and would refuse the same rows; this is the second of the three checks.
Bulk and Core statements on scoped tables are refused rather than guessed at.
"""

from __future__ import annotations

from typing import Any, NoReturn

from sqlalchemy import TextClause, event
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria
from sqlalchemy.sql import util as sql_util

from services.chassis.changes.recorder import CREATE, DELETE, UPDATE, Recorder
from services.chassis.db.rows import OPEN, SCOPED, MembershipRow, PersonRow, TenantRow
from services.chassis.db.scope import Scope, Unscoped


class ScopedSession(Session):
    """A session of one call: one transaction, one company or one person."""

    scope: Scope

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.recorder = Recorder()

    def value(self, column: str) -> str | None:
        return self.scope.company if column == "company" else self.scope.user

    def bulk_save_objects(self, *_: Any, **__: Any) -> NoReturn:
        raise Unscoped("bulk operations go past the unit of work, and so past its scope")

    bulk_insert_mappings = bulk_update_mappings = bulk_save_objects


@event.listens_for(ScopedSession, "do_orm_execute")
def _confine(state: ORMExecuteState) -> None:
    session = state.session
    assert isinstance(session, ScopedSession)
    statement: Any = state.statement
    if isinstance(statement, TextClause):
        raise Unscoped("text cannot be scoped: write it with mapped classes")
    if not state.is_orm_statement or state.is_insert:
        tables: list[Any] = list(
            sql_util.find_tables(statement, include_crud=True, include_joins=True, include_aliases=True)
        )
        if any(getattr(table, "info", {}).get("class") not in OPEN for table in tables):
            raise Unscoped("Core and bulk statements reach only directory and platform tables")
        return
    if state.is_executemany:
        raise Unscoped("bulk statements by primary key cannot be scoped: load the rows and change them")
    if (state.is_update or state.is_delete) and _is_recorded(state):
        raise Unscoped("recorded rows are changed one by one, so that the log says from what to what")
    if state.is_column_load or state.is_relationship_load:
        return
    # An absent scope compares with NULL: no row, as the policy would answer.
    company, user = session.scope.company, session.scope.user
    by_company = with_loader_criteria(TenantRow, lambda row: row.company == company, include_aliases=True)
    by_user = with_loader_criteria(PersonRow, lambda row: row.user_id == user, include_aliases=True)
    if user is None:
        place = with_loader_criteria(MembershipRow, lambda row: row.company == company, include_aliases=True)
    else:
        place = with_loader_criteria(MembershipRow, lambda row: row.user_id == user, include_aliases=True)
    state.statement = statement.options(by_company, by_user, place)


@event.listens_for(ScopedSession, "before_flush")
def _stamp(session: Session, context: object, instances: object) -> None:
    assert isinstance(session, ScopedSession)
    for row in (*session.new, *session.dirty, *session.deleted):
        for kind, columns in SCOPED.items():
            if isinstance(row, kind):
                _stamp_row(session, row, columns)


def _is_recorded(state: ORMExecuteState) -> bool:
    mapper = state.bind_mapper
    return mapper is not None and getattr(mapper.class_, "__recorded__", None) is not None


@event.listens_for(ScopedSession, "after_flush")
def _record(session: Session, context: object) -> None:
    assert isinstance(session, ScopedSession)
    for rows, action in ((session.new, CREATE), (session.dirty, UPDATE), (session.deleted, DELETE)):
        for row in rows:
            session.recorder.take(row, action)


def _stamp_row(session: ScopedSession, row: Any, columns: tuple[str, ...]) -> None:
    confined = [column for column in columns if session.value(column)]
    if not confined:
        raise Unscoped(f"{type(row).__name__} written outside any {' or '.join(columns)}")
    for column in confined:
        if getattr(row, column) is None:
            setattr(row, column, session.value(column))
        elif getattr(row, column) != session.value(column):
            raise Unscoped(f"{type(row).__name__} of another {column}")

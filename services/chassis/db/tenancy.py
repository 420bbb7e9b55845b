"""Scopes the session, not the queries: whatever a service asks for is confined to the call's company or person.

Row-level security stands behind it and would refuse the same rows; this is the second of the three checks.
Bulk and Core statements on scoped tables are refused rather than guessed at, and so is a scoped table that stands in
a statement as itself instead of as its mapped class, since the scope is added to mapped classes alone.
"""

from __future__ import annotations

import threading
from typing import Any, NoReturn, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import BindParameter, ColumnClause, Table, TextClause, bindparam, event
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria
from sqlalchemy.sql import util as sql_util
from sqlalchemy.sql.selectable import SelectBase
from sqlalchemy.sql.visitors import HasTraverseInternals

from services.chassis.changes.recorder import CREATE, DELETE, UPDATE, Recorder
from services.chassis.db.rows import OPEN, OWNERS, SCOPED, MembershipRow, PersonRow, TenantRow
from services.chassis.db.scope import Scope, Unscoped

S = TypeVar("S", bound=Any)


class _Executing(threading.local):
    """The scope of the session whose statement this thread executes."""

    scope = Scope()


_executing = _Executing()
# An absent scope compares with NULL: no row, as the policy would answer.
_COMPANY: BindParameter[str | None] = bindparam("scope_company", callable_=lambda: _executing.scope.company)
_USER: BindParameter[str | None] = bindparam("scope_user", callable_=lambda: _executing.scope.user)
# Each is a lambda of its own: SQLAlchemy knows them apart by their code, and reads that once.
_BY_COMPANY = with_loader_criteria(
    TenantRow, lambda row: row.company == _COMPANY, include_aliases=True, track_closure_variables=False
)
_BY_USER = with_loader_criteria(
    PersonRow, lambda row: row.user_id == _USER, include_aliases=True, track_closure_variables=False
)
_PLACE_BY_COMPANY = with_loader_criteria(
    MembershipRow, lambda row: row.company == _COMPANY, include_aliases=True, track_closure_variables=False
)
_PLACE_BY_USER = with_loader_criteria(
    MembershipRow, lambda row: row.user_id == _USER, include_aliases=True, track_closure_variables=False
)
_CRITERIA = (_BY_COMPANY, _BY_USER, _PLACE_BY_COMPANY), (_BY_COMPANY, _BY_USER, _PLACE_BY_USER)
"""For a session without a person, and for one with."""
_ready: WeakKeyDictionary[Any, tuple[Any, ...]] = WeakKeyDictionary()
"""Statements of hot calls, confined in either way."""


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
    _executing.scope = session.scope
    statement: Any = state.statement
    confined = _ready.get(statement)
    if confined is not None and not state.is_executemany:
        state.statement = confined[session.scope.user is not None]
        return
    if not state.is_orm_statement or state.is_insert:
        _refuse_owned_tables(statement)
        return
    if state.is_executemany:
        raise Unscoped("bulk statements by primary key cannot be scoped: load the rows and change them")
    if (state.is_update or state.is_delete) and _is_recorded(state):
        raise Unscoped("recorded rows are changed one by one, so that the log says from what to what")
    if state.is_column_load or state.is_relationship_load:
        return
    _refuse_bare_tables(statement)
    state.statement = statement.options(*_CRITERIA[session.scope.user is not None])


def ready(statement: S) -> S:
    """The statement, checked and confined here once instead of at every execution: for what hot calls ask, with a
    `bindparam` for each value. It is a SELECT, or a plain statement on directory and platform tables; for others, and
    for what no session would execute, raises Unscoped."""
    if statement._propagate_attrs.get("compile_state_plugin") != "orm":
        _refuse_owned_tables(statement)
        _ready[statement] = statement, statement
    elif statement.is_select:
        _refuse_bare_tables(statement)
        _ready[statement] = tuple(statement.options(*criteria) for criteria in _CRITERIA)
    else:
        raise Unscoped("what is written to mapped classes is confined at each execution")
    return statement


def _refuse_owned_tables(statement: Any) -> None:
    if isinstance(statement, TextClause):
        raise Unscoped("text cannot be scoped: write it with mapped classes")
    tables: list[Any] = list(
        sql_util.find_tables(statement, include_crud=True, include_joins=True, include_aliases=True)
    )
    if any(getattr(table, "info", {}).get("class") not in OPEN for table in tables):
        raise Unscoped("Core and bulk statements reach only directory and platform tables")


def _refuse_bare_tables(statement: Any) -> None:
    """Refuses scoped tables outside a mapped class, at every level of the statement.

    Columns of the table alone may stand where their mapped class is selected from: they are of those rows, and
    SQLAlchemy itself writes so.
    """
    levels, seen = [statement], set()
    while levels:
        level = levels.pop()
        mapped = _mapped_tables(level)
        parts = _children(level)
        while parts:
            part = parts.pop()
            if id(part) in seen or _is_mapped(part):
                continue
            seen.add(id(part))
            if isinstance(part, SelectBase):
                levels.append(part)
                continue
            column = isinstance(part, ColumnClause)
            table = part.table if column else part
            if isinstance(table, Table):
                if table.info.get("class") in OWNERS and not (column and table in mapped):
                    raise Unscoped(f"{table.name} as a bare table cannot be scoped: use its mapped class")
            elif column and table is not None:
                parts.append(table)
            else:
                parts += _children(part)


def _children(part: Any) -> list[Any]:
    # Not a SELECT's own account of its children: it puts bare tables for the columns of mapped classes.
    return list(HasTraverseInternals.get_children(part, omit_attrs=("_correlate", "_correlate_except")))


def _mapped_tables(level: Any) -> set[Any]:
    """The tables of the classes that one level of a statement selects from, or writes to."""
    joined = [join[0] for join in getattr(level, "_setup_joins", ())]
    sources = [*getattr(level, "_raw_columns", ()), *getattr(level, "_from_obj", ()), *joined]
    entities = [
        getattr(source, "_annotations", {}).get("parententity")
        for source in (*sources, getattr(level, "table", None))
    ]
    return {entity.local_table for entity in entities if entity is not None and entity.is_mapper}


def _is_mapped(part: Any) -> bool:
    annotations = getattr(part, "_annotations", {})
    return "parententity" in annotations or "parentmapper" in annotations


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

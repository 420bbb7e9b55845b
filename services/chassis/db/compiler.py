"""No scoped table is read or written whole: each must be compared with an owner, or the statement is refused.

With which owner, this does not say: a value is a parameter here, and compiled SQL is cached for all. That it is the
session's own is the work of the session, which adds the comparison to mapped classes and refuses scoped tables that
come without one, and of row-level security behind. What this adds is the SQL about to be sent, whoever built it and
by whichever way, at no cost to later calls. Words of SQL are refused altogether, since they could hide a table, or an
`or` that undoes the comparison beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NoReturn

from sqlalchemy import ColumnClause, FromClause, Table
from sqlalchemy.dialects.postgresql.psycopg import PGCompiler_psycopg
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import BinaryExpression, BindParameter, BooleanClauseList, Grouping, Null
from sqlalchemy.sql.selectable import AliasedReturnsRows, FromGrouping, Join

from services.chassis.db.rows import OWNERS
from services.chassis.db.scope import Unscoped

_HARMLESS = frozenset({"*", "1"})
"""Literal columns of SQLAlchemy's own making, as in EXISTS."""


class ScopedCompiler(PGCompiler_psycopg):
    """The dialect's compiler, for engines whose sessions are scoped."""

    def visit_textclause(self, *_: Any, **__: Any) -> NoReturn:
        raise Unscoped("text cannot be scoped: write it with mapped classes")

    visit_textual_select = visit_tstring = visit_textclause

    def visit_column(self, column: ColumnClause[Any], *options: Any, **named: Any) -> str:
        if column.is_literal and column.name not in _HARMLESS:
            raise Unscoped("literal columns cannot be scoped: write them with mapped classes")
        return super().visit_column(column, *options, **named)

    def visit_table(self, table: Any, *options: Any, **named: Any) -> Any:
        if not isinstance(table, Table):
            raise Unscoped("a table by its bare name cannot be scoped: write it with mapped classes")
        dialect: Any = super()
        return dialect.visit_table(table, *options, **named)

    def _compose_select_body(
        self, text: Any, select: Any, state: Any, columns: Any, froms: Any, *options: Any
    ) -> Any:
        _check(froms, select._where_criteria)
        dialect: Any = super()
        return dialect._compose_select_body(text, select, state, columns, froms, *options)

    def update_tables_clause(self, update_stmt: Any, from_table: Any, extra_froms: Any, **kw: Any) -> Any:
        _check([from_table, *extra_froms], update_stmt._where_criteria)
        dialect: Any = super()
        return dialect.update_tables_clause(update_stmt, from_table, extra_froms, **kw)

    def delete_table_clause(self, delete_stmt: Any, from_table: Any, extra_froms: Any, **kw: Any) -> Any:
        _check([from_table, *extra_froms], delete_stmt._where_criteria)
        dialect: Any = super()
        return dialect.delete_table_clause(delete_stmt, from_table, extra_froms, **kw)


def _check(froms: Iterable[Any], criteria: Iterable[Any]) -> None:
    """Refuses unless each scoped table is compared with a value, or with an owner's column that is so compared."""
    comparisons = list(_comparisons(criteria, None))
    pending = [each for source in froms for each in _sources(source, comparisons)]
    while pending:
        confined = [each for each in pending if _is_confined(each, comparisons, pending)]
        if not confined:
            names = {_table(each).name for each in pending}
            raise Unscoped(f"{', '.join(sorted(names))}: compared with no owner")
        pending = [each for each in pending if each not in confined]


Comparison = tuple[Any, Any, list[Any] | None]
"""Both sides of an equation that every row fulfils, and whose rows: None for those of all tables."""


def _sources(source: Any, comparisons: list[Comparison]) -> Iterator[Any]:
    """The scoped tables and aliases in it; what joins equate is added to the comparisons."""
    if isinstance(source, FromGrouping):
        yield from _sources(source.element, comparisons)
    elif isinstance(source, Join):
        right = list(_sources(source.right, comparisons))
        # What an outer join equates holds for its right side only.
        comparisons += _comparisons([source.onclause], right if source.isouter or source.full else None)
        yield from _sources(source.left, comparisons)
        yield from right
    elif _owner_columns(source):
        yield source


def _table(source: Any) -> Any:
    return source.element if isinstance(source, AliasedReturnsRows) else source


def _owner_columns(source: Any) -> tuple[str, ...]:
    table = _table(source)
    return OWNERS.get(table.info.get("class"), ()) if isinstance(table, Table) else ()


def _comparisons(criteria: Iterable[Any], of: list[Any] | None) -> Iterator[Comparison]:
    for clause in criteria:
        if isinstance(clause, Grouping):
            yield from _comparisons([clause.element], of)
        elif isinstance(clause, BooleanClauseList) and clause.operator is operators.and_:
            yield from _comparisons(clause.clauses, of)
        elif isinstance(clause, BinaryExpression) and clause.operator in (operators.eq, operators.is_):
            yield clause.left, clause.right, of
            yield clause.right, clause.left, of


def _is_confined(source: Any, comparisons: list[Comparison], pending: list[Any]) -> bool:
    for mine, other, of in comparisons:
        if of is not None and source not in of:
            continue
        if _is_owner(mine, source) and (
            isinstance(other, (BindParameter, Null)) or _is_confined_owner(other, pending)
        ):
            return True
    return False


def _is_owner(column: Any, source: FromClause) -> bool:
    return (
        isinstance(column, ColumnClause)
        and column.name in _owner_columns(source)
        and column.table is not None
        and column.table._deannotate() is source._deannotate()
    )


def _is_confined_owner(column: Any, pending: list[Any]) -> bool:
    """Whether it is the owner of a table already confined, here or in the statement around this one."""
    if not isinstance(column, ColumnClause) or column.table is None:
        return False
    return _is_owner(column, column.table) and not any(
        column.table._deannotate() is each._deannotate() for each in pending
    )

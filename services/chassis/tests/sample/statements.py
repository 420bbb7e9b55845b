"""Shapes of statements that a service might write, each as a function of a session."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import (
    bindparam,
    column,
    delete,
    exists,
    false,
    func,
    insert,
    literal_column,
    select,
    table,
    text,
    true,
    union_all,
    update,
)
from sqlalchemy.orm import (
    Session,
    aliased,
    joinedload,
    make_transient_to_detached,
    selectinload,
    subqueryload,
)

from services.chassis.db.tenancy import ready
from services.chassis.tests.sample.rows import Line, Note, Setting, Sign

Read = Callable[[Session], Iterable[str | None]]
Other = aliased(Note)
NOTES: Any = Note.__table__
LINES: Any = Line.__table__
READY = ready(select(Note.text))
READY_BY_OWNER = ready(select(Note).where(Note.company == bindparam("owner")))
READY_ALIAS = ready(select(Note.text).where(exists().where(Other.text == Note.text)))
_THEIRS = {"company": "other", "note_id": "n", "text": "taken"}


def _lines(session: Session, *options: Any) -> list[str]:
    notes = session.scalars(select(Note).options(*options)).unique()
    return [line.text for note in notes for line in note.lines]


def _recursive() -> Any:
    start = select(Note.text).cte(recursive=True)
    return start.union_all(select(Note.text).where(false()))


READS: dict[str, Read] = {
    "entities": lambda s: [note.text for note in s.scalars(select(Note))],
    "columns": lambda s: s.scalars(select(Note.text)),
    "aggregate": lambda s: s.scalars(select(func.string_agg(Note.text, ","))),
    "legacy query": lambda s: [note.text for note in s.query(Note)],
    "alias": lambda s: s.scalars(select(Other.text)),
    "join": lambda s: s.scalars(select(Note.text).join(Line, Line.note_id == Note.note_id)),
    "join along a relationship": lambda s: s.scalars(select(Line.text).join(Note.lines)),
    "joined table": lambda s: s.scalars(select(Line.text).join(Note, Line.note_id == Note.note_id)),
    "joined alias": lambda s: s.scalars(select(Other.text).join(Line, Line.note_id == Other.note_id)),
    "outer joined alias": lambda s: s.scalars(
        select(Other.text).select_from(Line).outerjoin(Other, Line.note_id == Other.note_id)
    ),
    "full join": lambda s: [
        found
        for row in s.execute(select(Line.text, Other.text).join(Other, Line.text == Other.text, full=True))
        for found in row
    ],
    "product": lambda s: s.scalars(select(Line.text).join(Other, true())),
    "subquery": lambda s: s.scalars(select(select(Note.text).subquery().c.text)),
    "entity over a subquery": lambda s: [
        note.text for note in s.scalars(select(aliased(Note, select(Note).subquery())))
    ],
    "scalar subquery": lambda s: s.scalars(
        select(select(func.string_agg(Note.text, ",")).scalar_subquery()).select_from(Setting)
    ),
    "lateral": lambda s: s.scalars(select(select(Note.text).lateral().c.text)),
    "common table": lambda s: s.scalars(select(select(Note.text).cte().c.text)),
    "recursive common table": lambda s: s.scalars(select(_recursive().c.text)),
    "in a subquery": lambda s: s.scalars(select(Note.text).where(Note.text.in_(select(Other.text)))),
    "exists": lambda s: s.scalars(select(Note.text).where(exists().where(Other.text == Note.text))),
    "any of a relationship": lambda s: s.scalars(select(Note.text).where(Note.lines.any())),
    "union": lambda s: s.scalars(union_all(select(Note.text), select(Line.text))),
    "union in a subquery": lambda s: s.scalars(
        select(union_all(select(Note.text), select(Line.text)).subquery().c.text)
    ),
    "entities from a union": lambda s: [
        note.text for note in s.scalars(select(Note).from_statement(union_all(select(Note), select(Note))))
    ],
    "lazy load": _lines,
    "select-in load": lambda s: _lines(s, selectinload(Note.lines)),
    "joined load": lambda s: _lines(s, joinedload(Note.lines)),
    "subquery load": lambda s: _lines(s, subqueryload(Note.lines)),
    "sample": lambda s: s.scalars(select(aliased(Note, NOTES.tablesample(func.bernoulli(100))).text)),
    "made ready": lambda s: s.scalars(READY),
    "made ready, with an alias": lambda s: s.scalars(READY_ALIAS),
    "made ready, and more": lambda s: s.scalars(READY.where(Note.note_id != "")),
    "for update": lambda s: s.scalars(select(Note.text).with_for_update()),
}
"""Each gives the texts it sees; both companies have a row under the same ids, and their name for its text."""

LOOKS: dict[str, Callable[[Session], object]] = {
    "get": lambda s: s.get(Note, ("other", "n")),
    "where": lambda s: s.scalars(select(Note).where(Note.company == "other")).all(),
    "made ready": lambda s: s.scalars(READY_BY_OWNER, {"owner": "other"}).all(),
    "exists": lambda s: s.scalar(select(exists(select(Note.note_id).where(Note.text == "other")))),
    "exists from elsewhere": lambda s: s.scalars(
        select(Setting.key).where(exists().where(Note.text == "other"))
    ).all(),
    "bare column of a mapped class": lambda s: s.scalars(
        select(NOTES.c.text, Note.note_id).where(NOTES.c.company == "other")
    ).all(),
    "bare column beside a mapped class": lambda s: s.scalars(
        select(NOTES.c.text).select_from(Note).where(NOTES.c.company == "other")
    ).all(),
    "bare column in a correlated exists": lambda s: s.scalars(
        select(Note.text).where(exists(select(Note.text).where(NOTES.c.company == "other").correlate(Note)))
    ).all(),
    "bare column, joined": lambda s: s.scalars(
        select(NOTES.c.text).select_from(Setting).join(Note, NOTES.c.company == "other")
    ).all(),
    "count": lambda s: s.scalar(select(func.count()).select_from(Note).where(Note.text == "other")),
}
"""Each looks for the other company's row by name, and is true if it finds it."""

WRITES: dict[str, Callable[[Session], object]] = {
    "update": lambda s: s.execute(update(Note).values(text="changed")),
    "update by subquery": lambda s: s.execute(
        update(Note).values(text="changed").where(Note.note_id.in_(select(Other.note_id)))
    ),
    "delete": lambda s: s.execute(delete(Line)),
    "delete returning": lambda s: s.scalars(delete(Line).returning(Line.text)).all(),
    "legacy update": lambda s: s.query(Note).update({"text": "changed"}),
    "legacy delete": lambda s: s.query(Line).delete(),
    "change of a loaded row": lambda s: setattr(s.scalars(select(Note)).one(), "text", "changed"),
    "deletion of a loaded row": lambda s: s.delete(s.scalars(select(Line)).one()),
}
"""Each writes to every row it reaches."""

REFUSED: dict[str, Callable[[Session], Any]] = {
    "text": lambda s: s.scalars(text("select text from notes")).all(),
    "text as entities": lambda s: [
        note.text for note in s.scalars(select(Note).from_statement(text("select * from notes")))
    ],
    "text with columns": lambda s: s.scalars(text("select text from notes").columns(column("text"))).all(),
    "text for a table": lambda s: s.scalars(select(text("text")).select_from(text("notes"))).all(),
    "text with an or": lambda s: s.scalars(select(Note.text).where(text("1 = 1 or 1 = 1"))).all(),
    "literal column": lambda s: s.scalars(
        select(literal_column("(select string_agg(text, ',') from notes)"))
    ).all(),
    "bare name of a table": lambda s: s.scalars(select(column("text")).select_from(table("notes"))).all(),
    "core": lambda s: s.scalars(select(NOTES.c.text)).all(),
    "core on the connection": lambda s: s.connection().execute(select(Note.text)).scalars().all(),
    "core beside a mapped class": lambda s: s.scalars(select(NOTES.c.text).join(Setting, true())).all(),
    "core alias beside a mapped class": lambda s: s.scalars(
        select(NOTES.alias().c.text).join(Setting, true())
    ).all(),
    "core joined to a mapped class": lambda s: s.scalars(
        select(Setting.key).join(NOTES, NOTES.c.text == "other")
    ).all(),
    "core in a subquery": lambda s: s.scalars(
        select(Setting.key).where(exists().where(NOTES.c.text == "other"))
    ).all(),
    "core beside a directory": lambda s: s.scalars(
        select(NOTES.c.text).select_from(Sign).join(NOTES, NOTES.c.company == "other")
    ).all(),
    "core exists": lambda s: s.scalars(
        select(Setting.key).where(exists().where(NOTES.c.company == "other"))
    ).all(),
    "core scalar subquery": lambda s: s.scalars(
        select(select(NOTES.c.text).where(NOTES.c.company == "other").scalar_subquery()).select_from(Setting)
    ).all(),
    "core column of a subquery": lambda s: s.scalars(
        select(select(NOTES.c.text).where(NOTES.c.company == "other").subquery().c.text).join(Setting, true())
    ).all(),
    "core in a subquery of mapped columns": lambda s: s.scalars(
        select(
            select(Setting.key, NOTES.c.text).join(NOTES, NOTES.c.company == "other").subquery().c.text
        ).join(Setting, true())
    ).all(),
    "core in a common table": lambda s: s.scalars(
        select(Setting.key).join(
            (kept := select(NOTES.c.text).where(NOTES.c.company == "other").cte()), kept.c.text == "other"
        )
    ).all(),
    "entities from core": lambda s: [
        note.text
        for note in s.scalars(select(Note).from_statement(select(NOTES).where(NOTES.c.company == "other")))
    ],
    "core alias of the other company": lambda s: s.scalars(
        select(Setting.key).where(
            exists().where((kept := NOTES.alias()).c.company == "other", kept.c.text != "")
        )
    ).all(),
    "core column beside a mapped condition": lambda s: s.scalars(
        select(Setting.key).where(exists().where(NOTES.c.company == "other", Note.text != ""))
    ).all(),
    "update by core": lambda s: s.execute(
        update(Setting)
        .values(value=NOTES.c.text)
        .where(NOTES.c.company == "other", Setting.key == NOTES.c.text)
    ),
    "core in a condition": lambda s: s.scalars(
        select(Setting.key).where(Setting.value.in_(select(NOTES.c.text).where(NOTES.c.company == "other")))
    ).all(),
    "core union": lambda s: s.scalars(
        select(
            union_all(select(Setting.key), select(NOTES.c.text).where(NOTES.c.company == "other"))
            .subquery()
            .c.key
        ).join(Setting, true())
    ).all(),
    "core update": lambda s: s.execute(update(NOTES).values(text="taken")),
    "core update on the connection": lambda s: s.connection().execute(update(NOTES).values(text="taken")),
    "core delete on the connection": lambda s: s.connection().execute(delete(LINES)),
    "update from": lambda s: s.execute(
        update(Setting).values(value=Note.text).where(Setting.value != Note.text)
    ),
    "delete using": lambda s: s.execute(delete(Setting).where(Setting.value != Note.text)),
    "insert": lambda s: s.execute(insert(Note).values(_THEIRS)),
    "insert of many": lambda s: s.execute(insert(Note), [_THEIRS]),
    "insert from select": lambda s: s.execute(
        insert(Setting).from_select(["key", "value"], select(Note.company, Note.text))
    ),
    "made ready, of many": lambda s: s.execute(READY_BY_OWNER, [{"owner": "other"}]),
    "update by primary key": lambda s: s.execute(update(Note), [_THEIRS]),
    "bulk save": lambda s: s.bulk_save_objects([Note(**_THEIRS)]),
    "bulk insert": lambda s: s.bulk_insert_mappings(Note, [_THEIRS]),
    "bulk update": lambda s: s.bulk_update_mappings(Note, [_THEIRS]),
}
"""What no session could confine. Readers give what they saw."""

NOT_READY: dict[str, Any] = {
    "text": text("select text from notes"),
    "core": select(NOTES.c.text),
    "core beside a mapped class": select(NOTES.c.text).join(Setting, true()),
    "update": update(Note).values(text="taken"),
    "update by core": update(NOTES).values(text="taken"),
    "insert": insert(Note),
}
"""What cannot be confined once for all sessions."""


def _add(session: Session) -> None:
    session.add(Note(company="other", note_id="new", text="taken"))
    session.flush()


def _merge(session: Session) -> None:
    session.merge(Note(**_THEIRS))
    session.flush()


def _attach(session: Session, *, gone: bool = False) -> None:
    note = Note(company="other", note_id="n")
    make_transient_to_detached(note)
    session.add(note)
    note.text = "taken"
    session.flush()


FOREIGN: dict[str, Callable[[Session], None]] = {"add": _add, "merge": _merge, "attach": _attach}
"""Each writes a row of the other company through the unit of work."""

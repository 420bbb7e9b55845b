"""Writes what was told into the tables that are kept of it."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct
from sqlalchemy import and_, bindparam, delete
from sqlalchemy.dialects.postgresql import insert

from comptoir.changes.v1 import change_pb2, feed_pb2
from services.chassis.changes.log import SCHEMA_VERSION
from services.chassis.db.tenancy import ScopedSession
from services.chassis.mirrors.kinds import Kind, Mirror


class MirrorWriter:
    """The mirrors of one source. Every method works inside the caller's transaction."""

    def __init__(self, mirrors: Iterable[Mirror]) -> None:
        self._mirrors: dict[str, list[Mirror]] = {}
        for mirror in mirrors:
            self._mirrors.setdefault(mirror.kind.type, []).append(mirror)
        # Built once: to build a statement takes as long as to run it.
        self._puts = {mirror.kind.table: _put(mirror) for mirror in self._all()}
        self._generation = secrets.token_hex(8)
        """Marks what is of the present snapshot, so that what no longer is there can be told from it."""

    @property
    def types(self) -> list[str]:
        return sorted(self._mirrors)

    def begin(self) -> None:
        """A snapshot begins."""
        self._generation = secrets.token_hex(8)

    def put(self, session: ScopedSession, resource: feed_pb2.Resource) -> None:
        """A resource of the snapshot."""
        for mirror in self._mirrors.get(resource.type, ()):
            self._write(session, mirror, resource.name, resource.state)

    def end(self, session: ScopedSession) -> None:
        """The snapshot is complete: what was not in it is gone."""
        driver: Any = session.connection().connection.driver_connection
        for mirror in self._all():
            # Not by mapped classes: it concerns the rows of all companies, and the scope of a mirror lets it.
            driver.execute(f"delete from {mirror.table.name} where generation <> %s", (self._generation,))  # noqa: S608

    def apply(self, session: ScopedSession, change: feed_pb2.FeedChange) -> None:
        """A change. One whose resource is gone by now says nothing: its end is told too, later."""
        if change.schema_version > SCHEMA_VERSION:
            return
        for mirror in self._mirrors.get(change.type, ()):
            if change.action == change_pb2.ACTION_DELETE:
                self._remove(session, mirror, change.resource)
            elif change.HasField("state"):
                self._write(session, mirror, change.resource, change.state)
                if mirror.kind.kept_for is not None:
                    self._forget(session, mirror)

    def _all(self) -> list[Mirror]:
        return [mirror for mirrors in self._mirrors.values() for mirror in mirrors]

    def _write(self, session: ScopedSession, mirror: Mirror, name: str, state: Struct) -> None:
        key = _key(mirror.kind, name)
        if key is None:
            return
        found = MessageToDict(state)
        fields = {column: _plain(found[path], kind) for column, (path, kind) in mirror.kind.columns.items()}
        fields["generation"] = self._generation
        session.connection().execute(self._puts[mirror.kind.table], {**key, **fields})

    def _remove(self, session: ScopedSession, mirror: Mirror, name: str) -> None:
        key = _key(mirror.kind, name)
        if key is not None:
            same = and_(*(mirror.table.c[column] == value for column, value in key.items()))
            session.connection().execute(delete(mirror.table).where(same))

    def _forget(self, session: ScopedSession, mirror: Mirror) -> None:
        (column,) = mirror.kind.columns
        assert mirror.kind.kept_for is not None
        before = datetime.now(UTC) - mirror.kind.kept_for
        session.connection().execute(delete(mirror.table).where(mirror.table.c[column] < before))


def _put(mirror: Mirror) -> Any:
    columns = (*mirror.kind.columns, "generation")
    row = insert(mirror.table).values({name: bindparam(name) for name in (*mirror.kind.key, *columns)})
    return row.on_conflict_do_update(
        index_elements=mirror.kind.key, set_={name: row.excluded[name] for name in columns}
    )


def _key(kind: Kind, name: str) -> dict[str, str] | None:
    ids = kind.pattern.parse(name)
    return dict(zip(kind.key, ids.values(), strict=True)) if ids else None


def _plain(value: Any, kind: Any) -> Any:
    return datetime.fromisoformat(value) if kind.python_type is datetime else value

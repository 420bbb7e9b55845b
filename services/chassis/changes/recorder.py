"""What a transaction changed, gathered by the unit of work itself: no handler has to remember to say so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import inspect

CREATE, UPDATE, DELETE = "CREATE", "UPDATE", "DELETE"


@dataclass(frozen=True)
class Recorded:
    """On a mapped class as `__recorded__`: its rows are resources of this type, named by `row.name`."""

    type: str
    secret: frozenset[str] = frozenset()
    """Columns of which only that they changed is kept."""
    omit: frozenset[str] = frozenset({"version", "update_time"})
    """Columns that say nothing by themselves."""
    paths: Mapping[str, str] = field(default_factory=dict)
    """For columns that the contract names otherwise, the path of their field."""
    actions: frozenset[str] = frozenset({CREATE, UPDATE, DELETE})
    """What of a row is worth a change."""


@dataclass
class Entry:
    """One resource changed by one request, from which values to which."""

    type: str
    resource: str
    history: str
    """The resource in whose history it stands: a key's, in that of its shop."""
    action: str
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)

    @property
    def fields(self) -> list[str]:
        return sorted(self.before.keys() | self.after.keys())


def state_of(row: Any) -> dict[str, Any]:
    """What a change that made the row as it is now would say of it, by the paths of the contract."""
    return _values(row, row.__recorded__, CREATE)[1]


class Recorder:
    """The entries of one transaction: one a resource, however often it was flushed."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}

    def drain(self) -> list[Entry]:
        """What was gathered since the last time."""
        gathered, self._entries = self._entries, {}
        return [entry for entry in gathered.values() if entry.action != UPDATE or entry.fields]

    def take(self, row: Any, action: str) -> None:
        """Takes a row over as it is flushed."""
        recorded: Recorded | None = getattr(row, "__recorded__", None)
        if recorded is None or action not in recorded.actions:
            return
        before, after = _values(row, recorded, action)
        known = self._entries.get(row.name)
        if known is None:
            history = getattr(row, "history", row.name)
            self._entries[row.name] = Entry(recorded.type, row.name, history, action, before, after)
            return
        known.before = {**before, **known.before} if known.action != CREATE else {}
        known.after = {**known.after, **after} if action != DELETE else {}
        known.action = CREATE if known.action == CREATE and action != DELETE else action


def _values(row: Any, recorded: Recorded, action: str) -> tuple[dict[str, Any], dict[str, Any]]:
    state = inspect(row)
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for attribute in state.mapper.column_attrs:
        name = attribute.key
        if name in recorded.omit:
            continue
        history = state.attrs[name].history
        if action == UPDATE and not history.has_changes():
            continue
        old = history.deleted[0] if history.deleted else (getattr(row, name) if action == DELETE else None)
        new = None if action == DELETE else getattr(row, name)
        hidden = name in recorded.secret
        path = recorded.paths.get(name, name)
        if action != CREATE:
            before[path] = None if hidden else _plain(old)
        if action != DELETE:
            after[path] = None if hidden else _plain(new)
    return before, after


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        raise TypeError("bytes are recorded only as secrets: name the column in `secret` or `omit`")
    return value

"""A resource as it stood at some time: as it stands now, less what was changed since."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from google.protobuf.message import Message
from sqlalchemy import DateTime, func, inspect, select

from services.chassis.authorize import require
from services.chassis.changes import scan
from services.chassis.changes.history import doubtful, log_of, moment
from services.chassis.changes.log import scope_of
from services.chassis.changes.recorder import CREATE, Recorded
from services.chassis.errors import Invalid, NotFound, Precondition
from services.chassis.rpc.call import Call

R = TypeVar("R")
M = TypeVar("M", bound=Message)


def read(row: R, encode: Callable[[R], M], request: Any, call: Call, right: str = "") -> M:
    """The resource as it stands, or stood at the request's `read_time`, which only holders of the right may ask.

    Raises `Invalid` for a time to come, `NotFound` for one before the resource was made, and `Precondition` where
    values were erased or are doubtful. What is past has no etag: there is nothing to update.
    """
    time = moment(request, "read_time")
    if time is None:
        return encode(row)
    if right:
        require(call.caller, right)
    if time > call.now:
        raise Invalid.field("read_time", "past", "lies in the future")
    stood = encode(_then(row, time, call))
    stood.ClearField("etag")
    return stood


def _then(row: Any, time: datetime, call: Call) -> Any:
    """A copy of the row that no session knows, with the values of that time."""
    recorded: Recorded = row.__recorded__
    former = _former(row, time, call)
    values: dict[str, Any] = {}
    for attribute in inspect(type(row)).column_attrs:
        key, path = attribute.key, recorded.paths.get(attribute.key, attribute.key)
        values[key] = getattr(row, key)
        if path in former and key not in recorded.secret:
            values[key] = _typed(attribute.columns[0], former[path])
    if "update_time" in values:
        values["update_time"] = _last_change(row, time, call) or row.create_time
    return type(row)(**values)


def _former(row: Any, time: datetime, call: Call) -> dict[str, Any]:
    """By path, what the oldest change since says that was there before."""
    log, scope = log_of(call), scope_of(call.db)
    c, changes, database = log.changes.c, log.changes, call.db.connection()
    since = [*_own(row, call), c.sequence >= scan.floor(call.db, changes, scope, time), c.time > time]
    made = select(c.sequence).where(*since, c.action == CREATE).limit(1)
    if database.execute(made).one_or_none() is not None:
        raise NotFound(f"There was no {row.name} yet.", reason="NOT_CREATED_YET", metadata={"name": row.name})
    each = select(func.unnest(c.fields).label("path"), c.sequence).where(*since).subquery()
    oldest = select(each.c.path, func.min(each.c.sequence).label("oldest")).group_by(each.c.path)
    places: dict[str, int] = {found.path: found.oldest for found in database.execute(oldest)}
    known = log.opened(call.db, scope, set(places.values())) if places else {}
    if known.keys() != set(places.values()):
        raise Precondition(
            f"Values of {row.name} were erased that it had at that time.", reason="VALUES_ERASED"
        )
    if any(each.doubtful for each in known.values()):
        raise doubtful(row.name)
    return {name: known[sequence].before.get(name) for name, sequence in places.items()}


def _last_change(row: Any, time: datetime, call: Call) -> datetime | None:
    changes, scope = log_of(call).changes, scope_of(call.db)
    c, newest = changes.c, scan.ceiling(call.db, changes, scope, time)
    query = select(c.time).where(*_own(row, call), c.sequence < newest, c.time <= time)
    latest = call.db.connection().execute(query.order_by(c.sequence.desc()).limit(1))
    found: datetime | None = latest.scalar_one_or_none()
    return found


def _own(row: Any, call: Call) -> list[Any]:
    """What the resource's own changes fulfil."""
    c = log_of(call).changes.c
    history = getattr(row, "history", row.name)
    return [c.scope == scope_of(call.db), c.history == history, c.resource == row.name]


def _typed(column: Any, value: Any) -> Any:
    return datetime.fromisoformat(value) if isinstance(column.type, DateTime) and value else value

"""The history of a resource over the API (CO6, SH13): pages of changes, and one change by its name.

Whose history it is, the call says: the scope is the transaction's own, and the name was authorised.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from google.protobuf.struct_pb2 import Struct
from sqlalchemy import Row, select

from comptoir.changes.v1 import change_pb2
from services.chassis import pages
from services.chassis.authorize import unknown
from services.chassis.caller import Kind
from services.chassis.changes import scan
from services.chassis.changes.log import ChangeLog, Known, scope_of
from services.chassis.changes.scan import Wanted
from services.chassis.contract import RESOURCES
from services.chassis.errors import Invalid, Precondition
from services.chassis.names import ANY
from services.chassis.pages import Page
from services.chassis.rpc.call import Call

_PLAIN = ("resource", "type", "actor", "client", "on_behalf_of", "reason", "request_id", "method", "sequence")
_COLLECTION = "/changes/"
_SEQUENCE = re.compile(r"[1-9][0-9]{0,17}")


def listed(request: Any, call: Call) -> dict[str, Any]:
    """The fields of the answer to a request for a page of changes."""
    page = page_of(request, call, request.page_size)
    changes, following = read(request, call, page)
    return {"changes": changes, "next_page_token": next_token(page, following)}


def get(request: Any, call: Call) -> change_pb2.Change:
    """The change of this name, or the answer for an unknown one."""
    return _encoded(call, [find(call, request.name)])[0]


def find(call: Call, name: str) -> Row[Any]:
    """The row of a change."""
    history, _, number = name.rpartition(_COLLECTION)
    c = log_of(call).changes.c
    query = select(log_of(call).changes).where(c.scope == scope_of(call.db), c.history == history)
    if _SEQUENCE.fullmatch(number):
        row = call.db.connection().execute(query.where(c.sequence == int(number))).one_or_none()
        if row is not None:
            return row
    raise unknown(name)


def page_of(request: Any, call: Call, size: int) -> Page:
    """The page asked for; its token is good for the same parent and filters only."""
    asked = type(request)()
    asked.CopyFrom(request)
    for field in ("page_size", "page_token"):
        if field in asked.DESCRIPTOR.fields_by_name:
            asked.ClearField(field)
    bound = asked.SerializeToString(deterministic=True).hex()
    return pages.page(size, request.page_token, call.method.path, bound)


def next_token(page: Page, following: int | None) -> str:
    """The token of the page that goes on below this sequence; empty if none follows."""
    return page.token((str(following),)) if following is not None else ""


def read(request: Any, call: Call, page: Page) -> tuple[list[change_pb2.Change], int | None]:
    """Changes, newest first, and the sequence below which the next page begins."""
    wanted, changes = _wanted(request, call), log_of(call).changes
    found = scan.scan(call.db, changes, wanted, _before(page), page.size)
    if not found.rows and wanted.history and not scan.exists(call.db, changes, wanted.scope, wanted.history):
        raise unknown(request.parent)
    return _encoded(call, found.rows), found.following


def moment(request: Any, field: str) -> datetime | None:
    """A time in the request; None if it was left out."""
    return getattr(request, field).ToDatetime(UTC) if request.HasField(field) else None


def doubtful(of: str) -> Precondition:
    """The refusal to build upon such values."""
    return Precondition(f"Values of {of} are missing or were altered.", reason="VALUES_DOUBTFUL")


def log_of(call: Call) -> ChangeLog:
    """The log of the service that is called."""
    if call.log is None:
        raise LookupError("this service keeps no log")
    return call.log


@cache
def in_contract(kind: str, path: str) -> bool:
    """Whether resources of the type have such a field; columns of our own are nobody else's business."""
    message = RESOURCES.get(kind)
    for step in path.split("."):
        field = message.fields_by_name.get(step) if message is not None else None
        if field is None:
            return False
        message = field.message_type
    return True


def _wanted(request: Any, call: Call) -> Wanted:
    parent: str = request.parent
    every = parent.endswith("/" + ANY)
    return Wanted(
        scope_of(call.db),
        history=None if every else parent,
        under=parent.removesuffix(ANY) if every else "",
        types=tuple(request.types),
        actors=tuple(request.actors),
        fields=tuple(request.fields),
        actions=tuple(change_pb2.Action.Name(each).removeprefix("ACTION_") for each in request.actions),
        start=moment(request, "start_time"),
        end=moment(request, "end_time"),
    )


def _before(page: Page) -> int | None:
    if page.after is None:
        return None
    if len(page.after) != 1 or not _SEQUENCE.fullmatch(page.after[0]):
        raise Invalid.field("page_token", "page_token", "is not a token of this list")
    return int(page.after[0])


def _encoded(call: Call, rows: Sequence[Row[Any]]) -> list[change_pb2.Change]:
    known = log_of(call).opened(call.db, scope_of(call.db), [row.sequence for row in rows]) if rows else {}
    return [_change(row, known.get(row.sequence), call.caller.kind is Kind.OPERATOR) for row in rows]


def _change(row: Row[Any], known: Known | None, for_staff: bool) -> change_pb2.Change:
    change = change_pb2.Change(
        name=f"{row.history}{_COLLECTION}{row.sequence}",
        action=change_pb2.Action.Value(f"ACTION_{row.action}"),
        fields=[path for path in row.fields if in_contract(row.type, path)],
        values_erased=known is None,
        values_doubtful=known is not None and known.doubtful,
    )
    for field in _PLAIN:
        setattr(change, field, getattr(row, field))
    change.create_time.FromDatetime(row.time)
    if known is not None and not known.doubtful:
        # Where the platform's staff sat when they acted for a company is theirs, not the company's.
        change.source_address = known.source if for_staff or not row.on_behalf_of else ""
        _fill(change.before, known.before, row.type)
        _fill(change.after, known.after, row.type)
    return change


def _fill(struct: Struct, values: dict[str, Any], kind: str) -> None:
    struct.SetInParent()
    struct.update({path: value for path, value in values.items() if in_contract(kind, path)})

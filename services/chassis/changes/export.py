"""Changes as a file: CSV (RFC 4180) or NDJSON, part by part (security, "Record")."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from google.api import httpbody_pb2

from comptoir.changes.v1 import change_pb2
from services.chassis import json_values
from services.chassis.changes import history
from services.chassis.names import ANY
from services.chassis.rpc.call import Call

MOST_CHANGES = 1000
MOST_BYTES = 3_000_000
"""Of one answer, which must stay below what a gRPC message may hold."""

COLUMNS = (
    "time",
    "actor",
    "application",
    "on_behalf_of",
    "action",
    "type",
    "resource",
    "field",
    "before",
    "after",
    "reason",
    "request_id",
    "sequence",
    "method",
)
_FORMULA = frozenset("=+-@\N{MINUS SIGN}")
_SIGNS = "".join(
    re.escape(each)
    for each in map(chr, range(sys.maxunicode + 1))
    if unicodedata.normalize("NFKC", each)[:1] in _FORMULA
)
_INNER_CELL = re.compile(rf"(?s)(?<=.[;\t\r\n])[\s\"]*(?=[{_SIGNS}])")
_BREAKS = {ord(each): f"\\u{ord(each):04x}" for each in "\x85\u2028\u2029"}
"""What is no line break in JSON, but is one to some who read line by line."""


def export(request: Any, call: Call, kind: str = "changes") -> httpbody_pb2.HttpBody:
    """One part of the history as a file; the extension tells its name and the token of the next part.

    `kind`: what the file is called, where it holds more than the history.
    """
    page = replace(history.page_of(request, call, 0), size=MOST_CHANGES)
    changes, following = history.read(request, call, page)
    is_csv = request.format != change_pb2.EXPORT_FORMAT_NDJSON
    data = _line(COLUMNS) if is_csv and page.after is None else b""
    for n, change in enumerate(changes):
        piece = csv_lines(change) if is_csv else ndjson_line(change)
        if n and len(data) + len(piece) > MOST_BYTES:
            following = changes[n - 1].sequence
            break
        data += piece
    body = httpbody_pb2.HttpBody(
        content_type="text/csv; charset=utf-8" if is_csv else "application/x-ndjson", data=data
    )
    name = f"{_subject(request.parent)}-{kind}-{call.now:%Y-%m-%d}.{'csv' if is_csv else 'ndjson'}"
    told = change_pb2.ExportedPage(next_page_token=history.next_token(page, following), file_name=name)
    body.extensions.add().Pack(told)
    return body


def csv_lines(change: change_pb2.Change) -> bytes:
    """One line for each changed field; one line, too, for a change that names none."""
    before, after = json_values.values(change.before), json_values.values(change.after)
    return b"".join(
        _line(_cells(change, field, before.get(field), after.get(field))) for field in change.fields or [""]
    )


def ndjson_line(change: change_pb2.Change) -> bytes:
    """The change as the list shows it, but for the address it came from: a file outlives the time that is kept."""
    shown = change_pb2.Change()
    shown.CopyFrom(change)
    shown.ClearField("source_address")
    document = json_values.values(shown)
    del document["sourceAddress"]
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return text.translate(_BREAKS).encode() + b"\n"


def guarded(text: str) -> str:
    """The text with an apostrophe in front if a spreadsheet might take it for a formula.

    It counts what is seen first, in its compatible form: full-width signs are signs, and blanks hide nothing.
    """
    # Where lists are cut at semicolons, a cell may begin within the text.
    text = _INNER_CELL.sub(r"\g<0>'", text)
    if text[:1] in ("\t", "\r", "\n"):
        return "'" + text
    seen = next((each for each in text if unicodedata.category(each)[0] not in "ZC"), "")
    return "'" + text if _FORMULA & set(unicodedata.normalize("NFKC", seen)) else text


def _cells(change: change_pb2.Change, field: str, before: Any, after: Any) -> Iterator[object]:
    yield change.create_time.ToJsonString()
    yield from (change.actor, change.client, change.on_behalf_of)
    yield change_pb2.Action.Name(change.action).removeprefix("ACTION_")
    yield from (change.type, change.resource, field, before, after, change.reason, change.request_id)
    yield from (change.sequence, change.method)


def _line(cells: Iterable[object]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow([_cell(each) for each in cells])
    return text.getvalue().encode()


def _cell(value: object) -> str:
    """Text is guarded; numbers are ours and stay numbers, a negative one too."""
    if value is None:
        return ""
    if isinstance(value, str):
        return guarded(value)
    return json.dumps(value, ensure_ascii=False)


def _subject(parent: str) -> str:
    *_, collection, resource_id = parent.split("/")
    return collection if resource_id == ANY else f"{collection}-{resource_id}"

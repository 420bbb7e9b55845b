"""The answer of a method as an HTTP response: JSON or a file, its version, the next page."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from google.api import httpbody_pb2
from google.protobuf.message import Message
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header
from werkzeug.wrappers import Request

from comptoir.changes.v1 import change_pb2
from services.chassis import json_values
from services.chassis.errors import Stale
from services.chassis.idempotency.keys import REPLAYED
from services.chassis.rpc.metadata import REVISION
from services.gateway.answer import Answer
from services.gateway.conditional import is_tag, matches
from services.gateway.faults import NotAcceptable
from services.gateway.revisions import HEADER
from services.gateway.routes import Route

_PUBLIC_FILE = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
"""What anybody may read by its name never changes (ME4), and belongs on other sites' pages and in mails."""
_TOLD = {REPLAYED: "Idempotency-Replayed", REVISION: HEADER}
"""Headers for what a service told beside its answer."""
_ANY_JSON = ("", "*/*", "application/json")
_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,126}")


def check_acceptable(route: Route, accept: str) -> None:
    """Refuses, before anything is done, a client that wants no JSON from a method that answers with it."""
    if accept in _ANY_JSON or _is_file(route):
        return
    if not parse_accept_header(accept, MIMEAccept)["application/json"]:
        raise NotAcceptable("The answer is application/json.")


def respond(route: Route, message: Message, request: Request, told: Mapping[str, str]) -> Answer:
    """The answer to a call that went well; `told` is the metadata that came with it."""
    answer = (
        _file(route, message, request)
        if isinstance(message, httpbody_pb2.HttpBody)
        else _json(message, request)
    )
    if route.method.reads_only:
        return _conditional(answer, request)
    answer.headers.update((_TOLD[name], value) for name, value in told.items() if name in _TOLD)
    return answer


def _is_file(route: Route) -> bool:
    return bool(route.method.descriptor.output_type.full_name == httpbody_pb2.HttpBody.DESCRIPTOR.full_name)


def _json(message: Any, request: Request) -> Answer:
    document = json_values.values(message)
    answer = Answer(200, {"Content-Type": "application/json"}, _encoder.encode(document).encode())
    etag = document.get("etag")
    if etag and is_tag(etag):
        answer.headers["ETag"] = etag
    token = document.get("nextPageToken")
    if token:
        _link_next(answer, token, request)
    return answer


def _link_next(answer: Answer, token: str, request: Request) -> None:
    others = [item for item in request.args.items(multi=True) if item[0] not in ("pageToken", "page_token")]
    query = urlencode([*others, ("pageToken", token)])
    answer.headers["Link"] = f'<{request.path}?{query}>; rel="next"'


def _file(route: Route, message: httpbody_pb2.HttpBody, request: Request) -> Answer:
    headers = {"Content-Type": message.content_type or "application/octet-stream"}
    answer = Answer(200, headers, message.data)
    exported = change_pb2.ExportedPage()
    if any(extension.Unpack(exported) for extension in message.extensions):
        if exported.next_page_token:
            _link_next(answer, exported.next_page_token, request)
        headers["Content-Disposition"] = _attachment(exported.file_name)
    headers["ETag"] = f'"{hashlib.sha256(message.data).hexdigest()[:32]}"'
    if route.is_public:
        headers.update(_PUBLIC_FILE)
    return answer


def _attachment(file_name: str) -> str:
    """To be saved, not shown; under the name only if nothing in it could mean anything to a header or a shell."""
    return f'attachment; filename="{file_name}"' if _FILE_NAME.fullmatch(file_name) else "attachment"


def _conditional(answer: Answer, request: Request) -> Answer:
    """`If-Match` and `If-None-Match` of a read (RFC 9110 13.2.2), judged on the version that was found."""
    etag = answer.headers.get("ETag")
    if etag is None:
        return answer
    if_match, if_none_match = request.headers.get("If-Match"), request.headers.get("If-None-Match")
    if if_match is not None and not matches(if_match, etag, weak=False):
        raise Stale("It is not in the version asked for.", metadata={"current_etag": etag})
    if if_none_match is not None and matches(if_none_match, etag, weak=True):
        del answer.headers["Content-Type"]
        return Answer(304, answer.headers)
    return answer

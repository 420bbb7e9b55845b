"""The answer of a method as an HTTP response: JSON or a file, its version, the next page."""

from __future__ import annotations

import hashlib
import json
from typing import Any
from urllib.parse import urlencode

from flask import Request, Response
from google.api import httpbody_pb2
from google.protobuf import json_format
from google.protobuf.message import Message
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from services.chassis.errors import Stale
from services.gateway.conditional import is_tag, matches
from services.gateway.faults import NotAcceptable
from services.gateway.routes import Route

_PUBLIC_FILE = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
"""What anybody may read by its name never changes (ME4), and belongs on other sites' pages and in mails."""
_ANY_JSON = ("", "*/*", "application/json")


def check_acceptable(route: Route, accept: str) -> None:
    """Refuses, before anything is done, a client that wants no JSON from a method that answers with it."""
    if accept in _ANY_JSON or _is_file(route):
        return
    if not parse_accept_header(accept, MIMEAccept)["application/json"]:
        raise NotAcceptable("The answer is application/json.")


def respond(route: Route, message: Message, request: Request) -> Response:
    """The response to a call that went well."""
    response = (
        _file(route, message) if isinstance(message, httpbody_pb2.HttpBody) else _json(message, request)
    )
    if route.method.reads_only:
        _condition(response, request)
    return response


def _is_file(route: Route) -> bool:
    return bool(route.method.descriptor.output_type.full_name == httpbody_pb2.HttpBody.DESCRIPTOR.full_name)


def _json(message: Any, request: Request) -> Response:
    document = json_format.MessageToDict(message, always_print_fields_with_no_presence=True)
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    response = Response(body, content_type="application/json")
    etag = document.get("etag")
    if etag and is_tag(etag):
        response.headers["ETag"] = etag
    token = document.get("nextPageToken")
    if token:
        others = [
            item for item in request.args.items(multi=True) if item[0] not in ("pageToken", "page_token")
        ]
        query = urlencode([*others, ("pageToken", token)])
        response.headers["Link"] = f'<{request.path}?{query}>; rel="next"'
    return response


def _file(route: Route, message: httpbody_pb2.HttpBody) -> Response:
    response = Response(message.data, content_type=message.content_type or "application/octet-stream")
    response.headers["ETag"] = f'"{hashlib.sha256(message.data).hexdigest()[:32]}"'
    if route.is_public:
        response.headers.update(_PUBLIC_FILE)
    return response


def _condition(response: Response, request: Request) -> None:
    """`If-Match` and `If-None-Match` of a read (RFC 9110 13.2.2), judged on the version that was found."""
    etag = response.headers.get("ETag")
    if_match = request.headers.get("If-Match")
    if if_match is not None and etag is not None and not matches(if_match, etag, weak=False):
        raise Stale("It is not in the version asked for.", metadata={"current_etag": etag})
    if_none_match = request.headers.get("If-None-Match")
    if if_none_match is not None and etag is not None and matches(if_none_match, etag, weak=True):
        response.status_code = 304
        response.set_data(b"")
        del response.headers["Content-Type"], response.headers["Content-Length"]

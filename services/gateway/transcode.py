"""An HTTP request to the request message of its method: path, query, body, conditions; every violation at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from google.protobuf.message import Message
from werkzeug.wrappers import Request

from services.chassis.errors import Invalid, Violation
from services.gateway import idempotency, revisions
from services.gateway.conditional import set_etag
from services.gateway.decode import decode
from services.gateway.faults import WrongMedia
from services.gateway.json_text import BODY, parse
from services.gateway.query import decode_query
from services.gateway.routes import WHOLE, Route
from services.gateway.update_mask import paths_in

_JSON = ("application/json", "application/merge-patch+json")
_MOST_VIOLATIONS = 50
"""More are not counted: an answer must not outgrow the request by much."""


def named(route: Route, segments: Sequence[str]) -> Message:
    """The request with what the path says, and nothing else."""
    message = route.method.request()
    for path, value in route.template.fill(segments).items():
        _set(message, path, value)
    return message


def complete(route: Route, message: Message, request: Request) -> None:
    """Adds the rest to what `named` returned; raises `Invalid` for everything that does not fit."""
    names = {path: _get(message, path) for path in route.template.variables}
    found: list[Violation] = []
    for violation in _violations(route, message, request, names):
        found.append(violation)
        if len(found) == _MOST_VIOLATIONS:
            break
    if found:
        raise Invalid("; ".join(f"{v.field}: {v.description}" for v in found), violations=found)


def _violations(
    route: Route, message: Message, request: Request, names: Mapping[str, str]
) -> Iterator[Violation]:
    yield from decode_query(route, message, request.args)
    yield from _body(route, message, request)
    for path, value in names.items():
        if _get(message, path) != value:
            _set(message, path, value)
            yield Violation(path.rpartition(".")[2], "address", "is not the one in the address")
    yield from set_etag(route, message, request.headers.get("If-Match"))
    yield from idempotency.violations(route, request.headers.get(idempotency.HEADER))
    yield from revisions.violations(route, request.headers.get(revisions.LEAST))
    if "If-None-Match" in request.headers and not route.method.reads_only:
        yield Violation("If-None-Match", "precondition", "is for reading only")


def _body(route: Route, message: Any, request: Request) -> Iterator[Violation]:
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise WrongMedia(
            "The body must come as it is, in no coding.", metadata={"accept_encoding": "identity"}
        )
    if route.takes_bytes:
        setattr(message, route.body, request.get_data(cache=False))
        return
    data = request.get_data(cache=False)
    if not route.body:
        if data:
            yield Violation(BODY, "no_body", "must be empty: this operation takes none")
        return
    value = _json(route, request, data)
    if route.body == WHOLE:
        yield from decode(value, message)
        return
    resource = getattr(message, route.body)
    resource.SetInParent()
    yield from decode(value, resource)
    if route.updates and isinstance(value, dict) and not message.HasField("update_mask"):
        paths, fixed = paths_in(value, resource.DESCRIPTOR)
        message.update_mask.SetInParent()
        message.update_mask.paths.extend(paths)
        yield from fixed


def _json(route: Route, request: Request, data: bytes) -> object:
    if not data and route.body == WHOLE:
        return {}
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if request.mimetype not in _JSON or charset not in ("utf-8", "utf8", "us-ascii"):
        raise WrongMedia(
            "The body must be application/json, in UTF-8.", metadata={"accept": ", ".join(_JSON)}
        )
    return parse(data)


def _get(message: Any, path: str) -> str:
    for step in path.split("."):
        message = getattr(message, step)
    return str(message)


def _set(message: Any, path: str, value: str) -> None:
    *steps, last = path.split(".")
    for step in steps:
        message = getattr(message, step)
    setattr(message, last, value)

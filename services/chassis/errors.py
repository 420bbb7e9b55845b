"""The one tree of errors, named by meaning, and its one mapping to and from the wire (`google.rpc.Status`, AIP-193).

Services raise these; the server turns them outward once, the client turns them inward once, so that a `NotFound`
raised two hops away arrives as `NotFound`. The `reason` is stable and UPPER_SNAKE: programs match it, never the text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

import grpc
from google.protobuf.any_pb2 import Any
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

DOMAIN = "comptoir"
_ENDED_CALLS = (grpc.Call, grpc.aio.AioRpcError)
_LONGEST_MESSAGE = 2000


@dataclass(frozen=True)
class Violation:
    """One broken rule: the path of the field in the request, the rule's id, and a sentence safe to show."""

    field: str
    rule: str
    description: str


class Fault(Exception):
    """An error with a meaning. `message` is safe to show to whoever called."""

    code: grpc.StatusCode = grpc.StatusCode.INTERNAL
    http: HTTPStatus = HTTPStatus.INTERNAL_SERVER_ERROR
    default_reason = "INTERNAL"

    def __init__(
        self,
        message: str,
        *,
        reason: str | None = None,
        violations: Sequence[Violation] = (),
        metadata: Mapping[str, str] | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason or self.default_reason
        self.violations = tuple(violations)
        self.metadata = dict(metadata or {})
        self.retry_after_seconds = retry_after_seconds


class Internal(Fault):
    """Something unexpected; says nothing but the request id."""


class Invalid(Fault):
    """The request breaks rules of the contract; `violations` names the fields."""

    code, http, default_reason = grpc.StatusCode.INVALID_ARGUMENT, HTTPStatus.BAD_REQUEST, "INVALID"

    @classmethod
    def field(cls, field: str, rule: str, description: str) -> Invalid:
        """The usual case: one field, one rule."""
        return cls(f"{field}: {description}", violations=[Violation(field, rule, description)])


class Unauthenticated(Fault):
    """Nobody, or nobody any more: sign in, or prove it afresh."""

    code, http, default_reason = (
        grpc.StatusCode.UNAUTHENTICATED,
        HTTPStatus.UNAUTHORIZED,
        "UNAUTHENTICATED",
    )


class Denied(Fault):
    """Known, but without the right, which `metadata['permission']` names."""

    code, http, default_reason = grpc.StatusCode.PERMISSION_DENIED, HTTPStatus.FORBIDDEN, "PERMISSION_DENIED"


class NotFound(Fault):
    """Unknown, or another company's: one and the same answer."""

    code, http, default_reason = grpc.StatusCode.NOT_FOUND, HTTPStatus.NOT_FOUND, "NOT_FOUND"


class Exists(Fault):
    """There is one already."""

    code, http, default_reason = grpc.StatusCode.ALREADY_EXISTS, HTTPStatus.CONFLICT, "ALREADY_EXISTS"


class Stale(Fault):
    """Someone changed it since it was read (AIP-154): read again."""

    code, http, default_reason = grpc.StatusCode.ABORTED, HTTPStatus.PRECONDITION_FAILED, "STALE_ETAG"


class KeyInUse(Fault):
    """A request with the same idempotency key is under way: the same one, sent again later, gets its answer."""

    code, http, default_reason = (
        grpc.StatusCode.ABORTED,
        HTTPStatus.CONFLICT,
        "IDEMPOTENCY_KEY_IN_USE",
    )


class KeyReused(Invalid):
    """The idempotency key was used for another request: this one needs a key of its own."""

    http, default_reason = HTTPStatus.UNPROCESSABLE_ENTITY, "IDEMPOTENCY_KEY_REUSED"


class Precondition(Fault):
    """Well formed and allowed, but not in the state that things are in now."""

    code, http, default_reason = (
        grpc.StatusCode.FAILED_PRECONDITION,
        HTTPStatus.CONFLICT,
        "FAILED_PRECONDITION",
    )


class NotReady(Precondition):
    """Not known here yet: what was just made elsewhere is known within a second."""

    default_reason = "NOT_READY"


class Exhausted(Fault):
    """Too many, too much, too fast: `retry_after_seconds` says when to come back."""

    code, http, default_reason = (
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        HTTPStatus.TOO_MANY_REQUESTS,
        "RESOURCE_EXHAUSTED",
    )


class Unavailable(Fault):
    """A part that is needed is away; the same request may succeed later."""

    code, http, default_reason = grpc.StatusCode.UNAVAILABLE, HTTPStatus.SERVICE_UNAVAILABLE, "UNAVAILABLE"


class TimedOut(Fault):
    """The caller's deadline passed."""

    code, http, default_reason = (
        grpc.StatusCode.DEADLINE_EXCEEDED,
        HTTPStatus.GATEWAY_TIMEOUT,
        "DEADLINE_EXCEEDED",
    )


class Unimplemented(Fault):
    """No such method."""

    code, http, default_reason = grpc.StatusCode.UNIMPLEMENTED, HTTPStatus.NOT_FOUND, "UNIMPLEMENTED"


_BY_CODE: dict[grpc.StatusCode, type[Fault]] = {
    kind.code: kind
    for kind in (
        Internal,
        Invalid,
        Unauthenticated,
        Denied,
        NotFound,
        Exists,
        Stale,
        Precondition,
        Exhausted,
        Unavailable,
        TimedOut,
        Unimplemented,
    )
}
_BY_CODE[grpc.StatusCode.CANCELLED] = Unavailable
"""A server that stops lets go of what it has not begun."""
_BY_REASON: dict[str, type[Fault]] = {kind.default_reason: kind for kind in (KeyInUse, KeyReused, NotReady)}
"""Kinds that share their code with another: the reason, which is always this one, tells them apart."""


def to_status(fault: Fault, request_id: str) -> status_pb2.Status:
    """The fault as it goes over the wire."""
    status = status_pb2.Status(code=fault.code.value[0], message=fault.message[:_LONGEST_MESSAGE])
    details = [
        error_details_pb2.ErrorInfo(reason=fault.reason, domain=DOMAIN, metadata=fault.metadata),
        error_details_pb2.RequestInfo(request_id=request_id),
    ]
    if fault.violations:
        details.append(
            error_details_pb2.BadRequest(
                field_violations=[
                    error_details_pb2.BadRequest.FieldViolation(
                        field=v.field, reason=v.rule, description=v.description
                    )
                    for v in fault.violations
                ]
            )
        )
    if fault.retry_after_seconds is not None:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromMilliseconds(round(fault.retry_after_seconds * 1000))
        details.append(retry)
    for detail in details:
        packed = Any()
        packed.Pack(detail)
        status.details.append(packed)
    return status


def _status(error: grpc.RpcError) -> status_pb2.Status | None:
    """The details that came with the error, if they came whole."""
    try:
        return rpc_status.from_call(error) if isinstance(error, _ENDED_CALLS) else None
    except ValueError:
        return None


def from_rpc_error(error: grpc.RpcError) -> Fault:
    """The fault that a call ended with, as the other side raised it."""
    code = error.code() if isinstance(error, _ENDED_CALLS) else grpc.StatusCode.UNKNOWN
    kind = _BY_CODE.get(code, Internal)
    status = _status(error)
    if status is None:
        # The transport itself failed: its text names addresses, which are nobody's business.
        return kind("The service did not answer." if kind is Unavailable else "The call failed.")
    info, violations, retry = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest(), None
    for detail in status.details:
        if detail.Is(info.DESCRIPTOR):
            detail.Unpack(info)
        elif detail.Is(violations.DESCRIPTOR):
            detail.Unpack(violations)
        elif detail.Is(error_details_pb2.RetryInfo.DESCRIPTOR):
            wait = error_details_pb2.RetryInfo()
            detail.Unpack(wait)
            retry = wait.retry_delay.ToTimedelta().total_seconds()
    return _BY_REASON.get(info.reason, kind)(
        status.message,
        reason=info.reason or None,
        violations=[Violation(v.field, v.reason, v.description) for v in violations.field_violations],
        metadata=dict(info.metadata),
        retry_after_seconds=retry,
    )

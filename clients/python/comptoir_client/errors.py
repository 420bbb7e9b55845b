"""What can go wrong, by meaning. `reason` is stable and UPPER_SNAKE: programs match it, never the text (AIP-193)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import grpc
from google.protobuf.message import DecodeError

from comptoir_client import wire

_DETAILS = "grpc-status-details-bin"
_STATUS = wire.message("google.rpc.Status")
_KINDS = {
    f"google.rpc.{name}": wire.message(f"google.rpc.{name}")
    for name in ("ErrorInfo", "BadRequest", "RetryInfo", "RequestInfo")
}


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule: the path of the field in the request, the rule's id, and a sentence."""

    field: str
    rule: str
    description: str


class ComptoirError(Exception):
    """A call that did not come to its end."""

    default_reason = "INTERNAL"

    def __init__(
        self,
        message: str,
        *,
        reason: str = "",
        violations: Sequence[Violation] = (),
        metadata: Mapping[str, str] | None = None,
        retry_after_seconds: float | None = None,
        request_id: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason or self.default_reason
        self.violations = tuple(violations)
        self.metadata = dict(metadata or {})
        self.retry_after_seconds = retry_after_seconds
        self.request_id = request_id
        """By which the platform's people find the call in their logs."""


class Internal(ComptoirError):
    """Something unexpected, there or on the way."""


class Invalid(ComptoirError):
    """The request breaks rules of the contract; `violations` names the fields."""

    default_reason = "INVALID"

    @classmethod
    def field(cls, field: str, rule: str, description: str) -> Self:
        """The usual case: one field, one rule."""
        return cls(f"{field}: {description}", violations=[Violation(field, rule, description)])


class Denied(ComptoirError):
    """This service's certificate does not open this method."""

    default_reason = "PERMISSION_DENIED"


class NotFound(ComptoirError):
    """Unknown, or another company's: one and the same answer."""

    default_reason = "NOT_FOUND"


class Precondition(ComptoirError):
    """Well formed and allowed, but not in the state that things are in now."""

    default_reason = "FAILED_PRECONDITION"


class Exhausted(ComptoirError):
    """Too many, too much, too fast: `retry_after_seconds` says when to come back."""

    default_reason = "RESOURCE_EXHAUSTED"


class Unavailable(ComptoirError):
    """A part that is needed is away; the same call may succeed later."""

    default_reason = "UNAVAILABLE"


class TimedOut(ComptoirError):
    """The deadline passed."""

    default_reason = "DEADLINE_EXCEEDED"


_BY_CODE: dict[grpc.StatusCode, type[ComptoirError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: Invalid,
    grpc.StatusCode.UNAUTHENTICATED: Denied,
    grpc.StatusCode.PERMISSION_DENIED: Denied,
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.FAILED_PRECONDITION: Precondition,
    grpc.StatusCode.RESOURCE_EXHAUSTED: Exhausted,
    grpc.StatusCode.UNAVAILABLE: Unavailable,
    # A server that stops lets go of what it has not begun.
    grpc.StatusCode.CANCELLED: Unavailable,
    grpc.StatusCode.DEADLINE_EXCEEDED: TimedOut,
}


def from_rpc_error(error: grpc.RpcError) -> ComptoirError:
    """The error that a call ended with, as the service meant it."""
    code = error.code() if isinstance(error, grpc.Call) else grpc.StatusCode.UNKNOWN
    kind = _BY_CODE.get(code, Internal)
    status = _status(error)
    if status is None:
        # The transport itself failed: its text names addresses.
        return kind("The service did not answer." if kind is Unavailable else "The call failed.")
    found = dict(_details(status))
    info, retry = found.get("ErrorInfo"), found.get("RetryInfo")
    broken = found["BadRequest"].field_violations if "BadRequest" in found else ()
    return kind(
        status.message,
        reason=info.reason if info else "",
        violations=[Violation(each.field, each.reason, each.description) for each in broken],
        metadata=info.metadata if info else {},
        retry_after_seconds=retry.retry_delay.ToTimedelta().total_seconds() if retry else None,
        request_id=found["RequestInfo"].request_id if "RequestInfo" in found else "",
    )


def _status(error: grpc.RpcError) -> Any:
    """The details that came with the error, if they came whole."""
    metadata: Any = error.trailing_metadata() if isinstance(error, grpc.Call) else None
    details = dict(metadata or ()).get(_DETAILS)
    try:
        return None if details is None else _STATUS.FromString(details)
    except DecodeError:
        return None


def _details(status: Any) -> list[tuple[str, Any]]:
    found = ((detail.type_url.rpartition("/")[2], detail.value) for detail in status.details)
    return [
        (name.rpartition(".")[2], _KINDS[name].FromString(value)) for name, value in found if name in _KINDS
    ]

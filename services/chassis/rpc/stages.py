"""The visible list of what every call passes through, in its order: `stages` at the end of this page."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from google.protobuf.message import DecodeError, Message

from services.chassis import fault_points, log, metrics, tracing
from services.chassis.authorize import authorize
from services.chassis.caller import Caller, Kind
from services.chassis.changes.revisions import Revisions
from services.chassis.contract import Method
from services.chassis.db.faults import DRIVER_ERRORS
from services.chassis.errors import Fault, Internal, Invalid, Unauthenticated, Unavailable
from services.chassis.idempotency.stage import Idempotency
from services.chassis.rpc.call import Call, Proceed, Stage, StagesOf
from services.chassis.rpc.metadata import MIN_REVISION, REVISION
from services.chassis.rpc.peers import Peers, service_of
from services.chassis.tokens import TokenVerifier, refuse_unproved
from services.chassis.validate import validate
from services.chassis.vault.errors import KeyUnavailable

LONGEST_SECONDS = 30.0
"""Deadline of a call that came without one, and the longest accepted."""

_OWN = frozenset({Kind.INTERNAL.value})
"""Callers of the methods that even a forwarder calls for itself."""
_TOKEN = re.compile(r"(Bearer|DPoP) ([A-Za-z0-9._~+/-]+=*)")
"""A forwarder writes the second where it has itself seen the proof that the token asks for (RFC 9449)."""


def errors(call: Call, proceed: Proceed) -> Message:
    """Nothing but faults leaves: what is unexpected is logged here, and answered with one fixed sentence."""
    started = time.perf_counter()
    fault: Fault | None = None
    try:
        return proceed(call)
    except Fault as known:
        fault = known
        raise
    except KeyUnavailable as error:
        fault = Unavailable("The keys of this company cannot be reached at present.", reason=error.reason)
        raise fault from error
    except Exception as error:
        log.unexpected(call, error)
        fault = Internal(f"Something went wrong here. Request {call.request_id}.")
        raise fault from error
    finally:
        seconds = time.perf_counter() - started
        metrics.observe(call.method, fault, seconds)
        log.request(call, fault, seconds)


def trace(call: Call, proceed: Proceed) -> Message:
    """Goes on with the caller's trace, or starts one for the sampled few."""
    with tracing.server_span(call.method.path, call.metadata):
        return proceed(call)


def deadline(call: Call, proceed: Proceed) -> Message:
    """Takes over the caller's deadline, within bounds; a call that is too late is not begun."""
    left = call.context.time_remaining()
    call.deadline = time.monotonic() + min(left if left is not None else LONGEST_SECONDS, LONGEST_SECONDS)
    call.remaining_seconds()
    return proceed(call)


@dataclass(frozen=True)
class Authenticate:
    """Certificate first, then the token that it may carry for somebody else."""

    peers: Peers
    tokens: TokenVerifier

    def __call__(self, call: Call, proceed: Proceed) -> Message:
        service = service_of(call.context)
        self.peers.check(service, call.method.path)
        call.caller = self._caller(service, call)
        return proceed(call)

    def _caller(self, service: str, call: Call) -> Caller:
        header = call.metadata.get("authorization")
        if service not in self.peers.forwarders or call.method.callers == _OWN:
            if header is not None:
                raise Unauthenticated("This service may not carry tokens.", reason="TOKEN_NOT_EXPECTED")
            return _without_token(Kind.INTERNAL, service, service)
        if header is None:
            return _without_token(Kind.ANONYMOUS, "", service)
        shown = _TOKEN.fullmatch(header)
        if shown is None:
            raise Unauthenticated("The authorization header holds no token.", reason="TOKEN_INVALID")
        caller = self.tokens.verify(shown[2], service)
        refuse_unproved(caller, proved=shown[1] == "DPoP")
        return caller


@lru_cache(maxsize=1024)
def _without_token(kind: Kind, subject: str, service: str) -> Caller:
    """One object for all the calls of a service: there are few services, and making it takes as long as a stage."""
    return Caller(kind, subject, service)


def decode(call: Call, proceed: Proceed) -> Message:
    """The request, now that it is known who sends it."""
    try:
        call.request = call.method.request.FromString(call.message)
    except DecodeError:
        name = call.method.descriptor.input_type.name
        raise Invalid(f"The message is no {name}.", reason="MALFORMED_MESSAGE") from None
    return proceed(call)


def authorise(call: Call, proceed: Proceed) -> Message:
    """Company, shop, right, proof."""
    call.grant = authorize(call.caller, call.method, call.request, call.now)
    return proceed(call)


def valid(call: Call, proceed: Proceed) -> Message:
    """The contract's rules, and the fields that an update is to write."""
    call.paths = validate(call.method, call.request, call.caller)
    return proceed(call)


def transaction(call: Call, proceed: Proceed) -> Message:
    """One RPC is one transaction, committed before the answer leaves; a trial run (AIP-163) leaves nothing."""
    if call.database is None:
        return proceed(call)
    try:
        return _in_transaction(call, proceed)
    except DRIVER_ERRORS as error:
        raise call.database.fault(error) from error


def _in_transaction(call: Call, proceed: Proceed) -> Message:
    try:
        response = proceed(call)
        if call.has_transaction:
            _end(call, response)
        return response
    finally:
        if call.has_transaction:
            call.db.close()


def _end(call: Call, response: Message) -> None:
    if call.method.reads_only:
        call.db.rollback()
        return
    if call.is_trial:
        call.db.flush()
        call.db.rollback()
        if "etag" in response.DESCRIPTOR.fields_by_name:
            # There is no such version, and a later real one must not be taken for it.
            response.ClearField("etag")
        return
    for act in call.last:
        act()
    call.remaining_seconds()
    if not call.context.is_active():
        raise Unavailable("The caller has gone.", reason="CALLER_GONE")
    fault_points.reach("call.before_commit")
    call.db.commit()
    fault_points.reach("call.after_commit")


def change(call: Call, proceed: Proceed) -> Message:
    """Appends what the handler wrote to the log. The head of its scope is so locked when all but the end is done."""
    response = proceed(call)
    call.revision = call.record()
    return response


@dataclass(frozen=True)
class ReadYourWrites:
    """A write tells its revision; a read that names one waits for it, and passes by what is kept in memory."""

    revisions: Revisions

    def __call__(self, call: Call, proceed: Proceed) -> Message:
        least = call.metadata.get(MIN_REVISION)
        if least is not None and call.method.reads_only and call.database is not None:
            self.revisions.require(call.db, least, call.remaining_seconds())
            call.fresh = True
        response = proceed(call)
        if call.revision is not None:
            call.told[REVISION] = self.revisions.seal(call.revision)
        return response


def stages(
    peers: Peers,
    tokens: TokenVerifier,
    revisions: Revisions,
    idempotency: Idempotency,
    standing: Stage | None,
) -> StagesOf:
    """The order every call goes through; what stands behind `transaction` is part of it."""

    def of(method: Method) -> Sequence[Stage]:
        before_writes = [standing] if standing is not None and not method.reads_only else []
        around_writes: list[Stage] = [] if method.reads_only else [idempotency, change]
        return (
            errors,
            trace,
            deadline,
            Authenticate(peers, tokens),
            decode,
            authorise,
            valid,
            transaction,
            *before_writes,
            ReadYourWrites(revisions),
            *around_writes,
        )

    return of

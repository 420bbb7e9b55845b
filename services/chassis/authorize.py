"""Whether a call may go on, as a pure function of caller, method, names and time. Nothing here does I/O.

The order is part of the promise: a foreign company is the same answer as an unknown one and comes before rights;
rights come before validation, so that a caller without them learns nothing about the rules.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from google.protobuf.message import Message

from comptoir.options.v1 import policy_pb2
from services.chassis.caller import Caller, Kind
from services.chassis.contract import Method
from services.chassis.errors import Denied, NotFound, Unauthenticated
from services.chassis.masks import names
from services.chassis.names import ANY
from services.chassis.rights import ACCOUNT_SCOPE, covered, refusal

FRESH = timedelta(minutes=5)
"""Age up to which a proof counts as fresh."""


@dataclass(frozen=True)
class Grant:
    """What an authorised call is confined to, and the ids its name holds."""

    ids: dict[str, str]
    company: str | None = None
    user: str | None = None


def authorize(caller: Caller, method: Method, request: Message, now: datetime) -> Grant:
    """Lets the call through, confined, or raises the refusal it deserves."""
    _check_kind(caller, method)
    named = [
        (value, name.pattern.parse(value) or {}) for name in method.names if (value := name.value(request))
    ]
    ids = named[0][1] if named else {}
    for value, found in named:
        _check_tenant(caller, method, value, found)
    if caller.shows_token:
        _check_right(caller, method)
        check_fields(caller, method, request, now)
        _check_proof(caller, method, now)
    if method.policy.scope == policy_pb2.SCOPE_USER:
        return Grant(ids, user=caller.subject)
    if method.policy.scope == policy_pb2.SCOPE_COMPANY:
        return Grant(ids, company=_company(caller, ids))
    return Grant(ids)


def _check_kind(caller: Caller, method: Method) -> None:
    if caller.kind.value in method.callers:
        return
    if caller.kind is Kind.ANONYMOUS:
        raise Unauthenticated("Sign in first: this needs an access token.", reason="TOKEN_MISSING")
    if method.policy.permission:
        raise Denied(refusal(method.policy.permission), metadata={"permission": method.policy.permission})
    raise Denied("This is not for callers of this kind.", reason="CALLER_NOT_ALLOWED")


def _check_tenant(caller: Caller, method: Method, value: str, ids: dict[str, str]) -> None:
    """Foreign and unknown are the same answer, so this one sentence serves both."""
    own = caller.shows_token and method.policy.scope == policy_pb2.SCOPE_USER
    if own and ids.get("user", caller.subject) != caller.subject:
        raise unknown(value)
    company = ids.get("company")
    if company is None:
        return
    if caller.kind is Kind.MERCHANT and company != caller.company:
        raise unknown(value)
    if caller.kind is Kind.OPERATOR and company == ANY:
        raise unknown(value)
    if caller.kind is not Kind.MERCHANT and not method.policy.across_companies:
        raise Denied("This is not for callers of this kind.", reason="CALLER_NOT_ALLOWED")
    if "shop" in ids and not caller.reaches_shop(ids["shop"]):
        raise unknown(value)


def _check_right(caller: Caller, method: Method) -> None:
    if caller.is_application and method.policy.scope == policy_pb2.SCOPE_USER:
        raise _needs_person("This is about one's own account, and an application has none.")
    if method.policy.scope == policy_pb2.SCOPE_USER:
        if ACCOUNT_SCOPE not in caller.scopes:
            raise _lacks_scope(ACCOUNT_SCOPE)
        return
    require(caller, method.policy.permission)


def check_fields(caller: Caller, method: Method, request: Message, now: datetime) -> None:
    """Refuses fields that take a right of their own, which this caller lacks, and what is written only against a
    fresh proof."""
    if not caller.shows_token:
        return
    for field, right in method.field_rights.items():
        if names(method, request, field):
            require(caller, right)
    if any(_asked_proof(method, request)):
        require_fresh(caller, now)


def _asked_proof(method: Method, request: Any) -> Iterator[bool]:
    for field in method.proved_fields:
        yield names(method, request, field)
    for part, field, values in method.proved_values:
        given = getattr(getattr(request, part), field) in values
        yield given and (method.updated is None or names(method, request, field))


def require(caller: Caller, right: str) -> None:
    """Refuses a caller without the right, or whose application was not given the scope for it."""
    if right not in caller.rights:
        raise Denied(refusal(right), metadata={"permission": right})
    if not covered(right, caller.scopes):
        raise _lacks_scope(right)


def _lacks_scope(scope: str) -> Denied:
    return Denied(
        f"The application was not given the scope '{scope}'.",
        reason="INSUFFICIENT_SCOPE",
        metadata={"scope": scope},
    )


def _needs_person(sentence: str) -> Denied:
    return Denied(sentence, reason="PERSON_NEEDED")


def _check_proof(caller: Caller, method: Method, now: datetime) -> None:
    if method.policy.proof == policy_pb2.PROOF_FRESH:
        require_fresh(caller, now)


def require_fresh(caller: Caller, now: datetime) -> None:
    """Refuses whoever did not just prove who they are."""
    if caller.is_application:
        raise _needs_person("This asks for a fresh proof of who you are, which only a person can give.")
    if caller.authenticated_at is None or now - caller.authenticated_at > FRESH:
        raise proof_too_old(caller.level)


def proof_too_old(level: str) -> Unauthenticated:
    """The challenge of RFC 9470: how old a proof may be, and of what worth it must be again."""
    return Unauthenticated(
        "This asks for a fresh proof of who you are: sign in again.",
        reason="INSUFFICIENT_USER_AUTHENTICATION",
        metadata={"max_age": str(int(FRESH.total_seconds())), **({"acr_values": level} if level else {})},
    )


def _company(caller: Caller, ids: dict[str, str]) -> str | None:
    """The token's company for merchants, never the request's; the name's for those who may name any."""
    if caller.kind is Kind.MERCHANT:
        return caller.company
    company = ids.get("company")
    return None if company == ANY else company


def unknown(name: str) -> NotFound:
    """The answer for what is unknown, and for what is another company's."""
    return NotFound(f"There is no {name}.", metadata={"name": name})

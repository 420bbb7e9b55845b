"""Whatever staff of the platform write in a company says who did it, and for which company, in every service."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from comptoir.options.v1 import policy_pb2
from services.chassis.authorize import authorize
from services.chassis.caller import Caller, Kind
from services.chassis.contract import Method, every_method
from services.chassis.rights import PRESETS, SCOPES
from services.chassis.rpc.call import Call

NOW = datetime(2026, 1, 2, tzinfo=UTC)
STAFF = Caller(
    Kind.OPERATOR,
    "olga",
    "gateway",
    rights=PRESETS["operator"],
    scopes=frozenset(SCOPES),
    client_id="backoffice",
    authenticated_at=NOW,
)
WRITES = [
    method
    for method in every_method()
    if policy_pb2.CALLER_KIND_OPERATOR in method.callers
    and method.policy.scope == policy_pb2.SCOPE_COMPANY
    and not method.reads_only
]


def call_of(method: Method) -> Call:
    context: Any = None
    call = Call(method, b"", context, {}, NOW, "request")
    call.request, call.caller = method.example(), STAFF
    call.grant = authorize(STAFF, method, call.request, NOW)
    return call


@pytest.mark.parametrize("method", WRITES, ids=lambda method: method.path)
def test_a_change_by_staff_names_them_and_the_company(method: Method) -> None:
    call = call_of(method)
    stamp = call.stamp()

    assert (stamp.actor, stamp.on_behalf_of, stamp.client) == (
        *("users/olga", f"companies/{call.company}"),
        "backoffice",
    )
    assert stamp.reason == getattr(call.request, "reason", "")


def test_every_service_with_companies_has_such_a_write() -> None:
    services = {method.service.split(".")[1] for method in WRITES}

    assert {"identity", "company", "shop"} <= services

"""What every method of the contract must declare. One that does not keeps its service from starting."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from google.protobuf import json_format

from comptoir.options.v1 import policy_pb2
from services.chassis.rights import RIGHTS

if TYPE_CHECKING:
    from services.chassis.contract import Method

READS = ("Get", "List", "Lookup", "Search", "Count")
PEOPLE = frozenset({policy_pb2.CALLER_KIND_MERCHANT, policy_pb2.CALLER_KIND_OPERATOR})
OUTSIDE = PEOPLE | {policy_pb2.CALLER_KIND_ANONYMOUS}


def problems(method: Method) -> Iterator[str]:
    """What the method fails to declare, or declares against itself."""
    policy = method.policy
    people = method.callers & PEOPLE
    if not method.options.HasExtension(policy_pb2.policy):
        yield "declares no (comptoir.options.v1.policy)"
        return
    if not policy.callers or policy_pb2.CALLER_KIND_UNSPECIFIED in method.callers:
        yield "policy.callers must say who may call"
    if policy.proof == policy_pb2.PROOF_UNSPECIFIED:
        yield "policy.proof is missing"
    if bool(people) != (policy.proof in (policy_pb2.PROOF_SESSION, policy_pb2.PROOF_FRESH)):
        yield "policy.proof must be PROOF_NONE exactly where no person calls"
    if policy.scope == policy_pb2.SCOPE_UNSPECIFIED:
        yield "policy.scope is missing"
    needs_right = bool(people) and policy.scope != policy_pb2.SCOPE_USER
    if needs_right and policy.permission not in RIGHTS:
        yield f"policy.permission {policy.permission!r} is not in the list of rights"
    for field, right in method.field_rights.items():
        if right not in RIGHTS:
            yield f"change_permission {right!r} of {field} is not in the list of rights"
    if not needs_right and policy.permission:
        yield "policy.permission has nobody to hold it"
    if bool(method.callers & OUTSIDE) != bool(method.routes):
        yield "google.api.http must be there exactly where callers come through the gateway"
    if method.name.startswith(READS) and not method.reads_only:
        yield "reads must say idempotency_level = NO_SIDE_EFFECTS"
    if policy.scope == policy_pb2.SCOPE_COMPANY and not any(
        "company" in name.pattern.variables for name in method.names
    ):
        yield "SCOPE_COMPANY needs a field that names the company"
    if policy.scope == policy_pb2.SCOPE_USER and not (
        method.names and method.names[0].pattern.variables[0] == "user"
    ):
        yield "SCOPE_USER needs a first field that names the user"
    if not method.wildcards <= {variable for name in method.names for variable in name.pattern.variables}:
        yield "policy.wildcards must be parts of a name"
    if not policy.example:
        yield "policy.example is missing"
        return
    try:
        method.example()
    except json_format.ParseError as error:
        yield f"policy.example is not a request: {error}"

"""One tree of errors: what is raised on one side arrives as the same thing on the other."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from grpc_status import rpc_status

from services.chassis import errors
from services.chassis.errors import Fault, Violation, from_rpc_error, to_status

KINDS_BY_REASON = {errors.KeyInUse, errors.KeyReused, errors.NotReady}
KINDS = [k for k in vars(errors).values() if isinstance(k, type) and issubclass(k, Fault) and k is not Fault]


class Failed(grpc.RpcError, grpc.Call):
    """An error as a client gets it."""

    def __init__(self, fault: Fault) -> None:
        self._status = rpc_status.to_status(to_status(fault, "request"))

    def code(self) -> grpc.StatusCode:
        code: grpc.StatusCode = self._status.code
        return code

    def details(self) -> str:
        return str(self._status.details)

    def trailing_metadata(self) -> Any:
        return self._status.trailing_metadata


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_fault_survives_the_wire(kind: type[Fault]) -> None:
    sent = kind(
        "What happened.",
        reason=kind.default_reason if kind in KINDS_BY_REASON else "SOME_REASON",
        violations=[Violation("shop.url", "https_uri", "must be https")],
        metadata={"permission": "shop.read"},
        retry_after_seconds=1.5,
    )

    failed: Any = Failed

    got = from_rpc_error(failed(sent))

    assert type(got) is kind
    assert vars(got) == vars(sent)


def test_codes_tell_kinds_apart_or_else_reasons_do() -> None:
    codes = [kind.code for kind in KINDS if kind not in KINDS_BY_REASON]
    reasons = [kind.default_reason for kind in KINDS]

    assert len(codes) == len(set(codes))
    assert len(reasons) == len(set(reasons))

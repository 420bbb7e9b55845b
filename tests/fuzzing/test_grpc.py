"""Any message to any method by anybody over gRPC: the answer is the contract's, and never a mistake of ours."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.chassis.contract import Method
from services.chassis.testing.every_service import SERVICES
from tests import soak_page
from tests.fuzzing.messages import mutated, sensible
from tests.isolation.callers import Who
from tests.isolation.escapes import ENDS_PEOPLE, named
from tests.isolation.matrix import Matrix

_UNINTENDED = ("INTERNAL", "UNKNOWN", "UNIMPLEMENTED", "UNAVAILABLE", "DEADLINE_EXCEEDED", "DATA_LOSS")


_ALL = 5000
_ABOUT = (
    "Messages of the contract's own shapes, sensible and then changed by chance, over gRPC to any method."
)


@pytest.fixture(scope="module")
def sent() -> dict[str, int]:
    """How many were sent to each service."""
    return {}


@pytest.mark.parametrize(
    "examples", [25, pytest.param(500, marks=pytest.mark.slow), pytest.param(_ALL, marks=pytest.mark.soak)]
)
@pytest.mark.parametrize("service", SERVICES)
def test_no_message_is_answered_with_a_mistake_of_ours(
    matrix: Matrix, service: str, examples: int, sent: dict[str, int]
) -> None:
    methods = [method for method in matrix.methods_of(service) if named(method) not in ENDS_PEOPLE]
    known = [*matrix.ours.ids, *matrix.theirs.ids]

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(st.data())
    def send(data: Any) -> None:
        method: Method = data.draw(st.sampled_from(methods))
        who = data.draw(st.sampled_from(callers(matrix, method)))
        request = data.draw(mutated(sensible(matrix, method, who), known))
        answer = matrix.world.send(method, request, service=who.service, token=who.token)

        assert answer.code not in _UNINTENDED, (method.path, who.name, answer)
        if answer.is_ok:
            method.response.FromString(answer.body)
        else:
            assert answer.reason, (method.path, answer)

    send()

    if examples == _ALL:
        sent[service] = examples
        rows = {f"messages to {name}": count for name, count in sent.items()}
        soak_page.write("Any message by anybody", _ABOUT, {**rows, "answered with a mistake of ours": 0})


@pytest.mark.parametrize("service", SERVICES)
def test_bytes_that_are_no_message_are_refused(matrix: Matrix, service: str) -> None:
    for method in matrix.methods_of(service):
        who = matrix.entitled(method)
        carried = {"authorization": f"Bearer {who.token}"} if who.token else {}
        answer = matrix.world.wire.call(method, b"\xff\xff\xff\xff", service=who.service, metadata=carried)

        assert (answer.code, answer.reason) == ("INVALID_ARGUMENT", "MALFORMED_MESSAGE"), method.path


def callers(matrix: Matrix, method: Method) -> list[Who]:
    """Mostly those who get far."""
    entitled = [who for who in matrix.callers if who.is_trusted(matrix.world, method)]
    people = [who for who in matrix.callers if who.name in ("owner", "reader", "operator", "anonymous")]
    return [matrix.entitled(method), *entitled, *people]

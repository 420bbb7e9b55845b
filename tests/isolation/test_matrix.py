"""No call of anybody reaches another company, or tells what it has from what nobody has.

Generated from the contract: a method that is added is here at once. Every field that names something is tried with what
is one's own, a sibling's, another company's, deleted, never was, or is of another type, by every kind of caller, over
gRPC and over REST, first cold and then with the other company's answers in every memory.
"""

from __future__ import annotations

from collections import Counter

import pytest

from services.chassis.contract import Method, every_method
from services.chassis.feed.method import METHOD as WATCH
from services.chassis.testing.every_service import SERVICES
from tests import soak_page
from tests.isolation.escapes import NO_REAL_CALL, named
from tests.isolation.matrix import Matrix, is_real
from tests.isolation.wire import CALLS, Answer

_ABOUT = """Every method and route, every field that names something, what is one's own, a sibling's, another company's,
deleted, never was or of another type, by every kind of caller: once cold, and once with the other company's answers in
every memory. What is named is made by calls that are counted too."""
PART = 160
"""Every so many groups are tried in each run, and all of them in `make soak`."""
METHODS = [method for method in every_method() if method.path != WATCH.path]


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_every_example_becomes_a_call_about_something_real(matrix: Matrix, method: Method) -> None:
    try:
        answer = matrix.real(method)
    except LookupError as nothing_made:
        answer = Answer("", str(nothing_made), b"")

    assert is_real(answer) is (named(method) not in NO_REAL_CALL), (
        f"{answer.code} {answer.reason} {answer.body[:400]!r}: "
        "if this is right, say in tests/isolation/escapes.py why it cannot be real, and where it is proved; otherwise "
        "mend the example in the contract, or teach `Company._id` and `Cells._prove` to make what it names"
    )


@pytest.mark.parametrize("service", SERVICES)
def test_a_part_of_the_matrix_shows_nothing_of_others(matrix: Matrix, service: str) -> None:
    cold = matrix.run(service, PART)
    matrix.warm(service)

    assert (cold, matrix.run(service, PART)) == ([], [])


@pytest.mark.soak
def test_the_whole_matrix_shows_nothing_of_others(matrix: Matrix) -> None:
    before = Counter(CALLS)
    cold = [problem for service in SERVICES for problem in matrix.run(service)]
    for service in SERVICES:
        matrix.warm(service)
    warm = [problem for service in SERVICES for problem in matrix.run(service)]

    assert (cold, warm) == ([], [])
    calls = CALLS - before
    assert calls.total() > 10_000
    rows = {f"calls by {way}": count for way, count in calls.items()}
    soak_page.write("The isolation matrix", _ABOUT, {**rows, "that reached or told of another company": 0})

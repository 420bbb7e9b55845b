"""Token buckets, one a client."""

from __future__ import annotations

import pytest

from services.chassis.errors import Exhausted
from services.gateway.rate_limit import RateLimit


class Watch:
    """Time that moves when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_is_let_through_and_then_only_what_comes_back() -> None:
    watch = Watch()
    limit = RateLimit(per_second=2, burst=3, monotonic=watch)

    assert [limit.take("a").left for _ in range(3)] == [2, 1, 0]
    with pytest.raises(Exhausted) as refused:
        limit.take("a").check()
    assert refused.value.reason == "RATE_LIMITED"
    assert refused.value.retry_after_seconds == 0.5
    watch.now += 0.5
    assert limit.take("a").left == 0


def test_one_clients_haste_costs_another_nothing() -> None:
    limit = RateLimit(per_second=1, burst=1, monotonic=Watch())
    limit.take("a")

    assert limit.take("b").left == 0


def test_headers_tell_the_policy_and_what_is_left() -> None:
    limit = RateLimit(per_second=2, burst=10, monotonic=Watch())
    limit.take("a")

    assert limit.take("a").headers == {
        "RateLimit-Policy": '"requests";q=10;w=5',
        "RateLimit": '"requests";r=8;t=1',
    }


def test_memory_is_bounded_whatever_the_number_of_clients() -> None:
    limit = RateLimit(per_second=1, burst=1, monotonic=Watch())
    for client in range(10_050):
        limit.take(str(client))

    assert limit.take("10049").wait_seconds == 1
    assert limit.take("0").wait_seconds == 0

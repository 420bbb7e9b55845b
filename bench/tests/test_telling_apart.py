"""What pairs of times say: nothing where they come by chance, and something where one side is slower."""

from __future__ import annotations

import random

from bench.telling_apart import MOST_ERRORS, MOST_TIMES, Pairs


def times(count: int, longer: float = 1.0) -> list[float]:
    """Times as a machine gives them, some of them much too long."""
    chance = random.Random(count * longer)
    return [longer * (30 + chance.expovariate(0.5)) for _ in range(count)]


def test_what_differs_by_chance_is_within_the_bars() -> None:
    pairs = Pairs(times(400), times(400, 1.0001))

    assert pairs.times < MOST_TIMES
    assert pairs.errors < MOST_ERRORS


def test_a_difference_that_a_median_hides_is_seen_in_the_pairs() -> None:
    pairs = Pairs(times(400, 1.02), times(400))

    assert pairs.times < MOST_TIMES
    assert pairs.errors > MOST_ERRORS


def test_a_slower_side_is_seen_whichever_it_is() -> None:
    slow, fast = times(400, 1.1), times(400)

    assert Pairs(slow, fast).times == Pairs(fast, slow).times > MOST_TIMES
    assert Pairs(slow, fast).errors == Pairs(fast, slow).errors > MOST_ERRORS

"""Resource ids: long, well-formed, and none more likely than another."""

from __future__ import annotations

import re
from collections import Counter

from services.chassis.names import new_id

_ID = re.compile(r"[a-z][a-z2-7]{19}")


def test_ids_have_the_form_of_the_contract_and_differ() -> None:
    ids = [new_id() for _ in range(10_000)]

    assert all(_ID.fullmatch(each) for each in ids)
    assert len(set(ids)) == len(ids)


def test_each_character_is_as_likely_as_the_others() -> None:
    ids = [new_id() for _ in range(10_000)]
    for place in range(20):
        seen = Counter(each[place] for each in ids)
        expected = len(ids) / (26 if place == 0 else 32)

        assert len(seen) == (26 if place == 0 else 32)
        # Eight standard deviations: by chance not once in ages.
        assert all(abs(count - expected) < 8 * expected**0.5 for count in seen.values())

"""Identity's feed tells who belongs where, and which sessions are over, and nothing else of people."""

from __future__ import annotations

from collections.abc import Callable

from services.chassis.testing.feeding import Feeding
from services.identity.tests.acts import Acts


def test_a_watcher_of_one_company_sees_its_places_and_no_others(
    acts: Acts, feed_of: Callable[..., Feeding]
) -> None:
    mine, other = acts.company(), acts.company()
    first, second = acts.person(), acts.person()
    acts.place(mine, first.name)
    acts.place(other, second.name)

    seen = []
    for told in feed_of(acts.identity).watch(company=mine):
        if told.HasField("snapshot_end"):
            break
        seen.append(told.resource)

    assert [each.name for each in seen] == [f"{mine}/memberships/{first.name.removeprefix('users/')}"]
    assert set(seen[0].state.fields) == {"role", "all_shops", "shop_ids", "suspended"}


def test_of_a_person_no_more_than_a_change_is_told(acts: Acts, feed_of: Callable[..., Feeding]) -> None:
    stream = feed_of(acts.identity).watch(changes_only=True)
    next(told for told in stream if told.HasField("snapshot_end"))
    person = acts.person()

    change = next(told.change for told in stream if told.HasField("change"))
    assert (change.resource, change.HasField("state")) == (person.name, False)

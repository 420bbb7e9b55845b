"""A copy shows what it was told last, says how old that is, and never shows half of a snapshot."""

from __future__ import annotations

from typing import Any

import pytest

from comptoir_client.copies import LIVE_SECONDS, Change, Copy, Renewed, State
from comptoir_client.replica import SHOPS
from comptoir_client.shops import Shop, ShopState, SignatureAlgorithm
from comptoir_client.tests.telling import (
    COMPANY,
    NAME,
    Hands,
    change,
    heartbeat,
    resource,
    resync,
    snapshot_end,
)
from comptoir_rules import ValidationMode

OTHER = f"companies/{COMPANY}/shops/12345678"


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def copy(hands: Hands) -> Copy[Shop]:
    made = Copy(SHOPS, hands.clock)
    made.begin()
    return made


def tell(copy: Copy[Shop], *answers: Any) -> list[Change | Renewed | None]:
    return [copy.take(answer) for answer in answers]


def label(copy: Copy[Shop], shop_id: str = "69876357") -> str | None:
    found = copy.get(shop_id)
    return None if found is None else found.display_name


def test_every_published_setting_arrives(copy: Copy[Shop]) -> None:
    tell(copy, resource(), snapshot_end("c1"))
    assert copy.get("69876357") == Shop(
        company=COMPANY,
        shop_id="69876357",
        display_name="Boutique du port",
        url="https://boutique.example",
        capture_delay_days=2,
        validation_mode=ValidationMode.MANUAL,
        extra_attempts=4,
        notify_refused_attempts=True,
        signature_algorithm=SignatureAlgorithm.HMAC_SHA_256,
        state=ShopState.TEST_ONLY,
    )


def test_it_is_cold_until_the_snapshot_is_whole_and_live_once_it_beats(copy: Copy[Shop]) -> None:
    seen = [copy.state]
    for answer in (resource(), snapshot_end("c1"), heartbeat("c2", 0.2)):
        tell(copy, answer)
        seen.append(copy.state)

    assert seen == [State.COLD, State.COLD, State.STALE, State.LIVE]


def test_it_grows_stale_as_time_passes_and_goes_on_to_answer(copy: Copy[Shop], hands: Hands) -> None:
    tell(copy, resource(), snapshot_end("c1"), heartbeat("c2", 0.5))
    hands.pass_(LIVE_SECONDS - 0.5)
    assert (copy.state, copy.staleness_seconds) == (State.LIVE, LIVE_SECONDS)
    hands.pass_(100)
    assert (copy.state, copy.staleness_seconds) == (State.STALE, LIVE_SECONDS + 100)
    assert label(copy) == "Boutique du port"


def test_a_feed_that_was_cut_off_from_its_database_does_not_make_it_live(
    copy: Copy[Shop], hands: Hands
) -> None:
    tell(copy, resource(), snapshot_end("c1"), heartbeat("c2", 0.0))
    hands.pass_(10)
    tell(copy, heartbeat("c3", None))
    assert copy.staleness_seconds == 10
    tell(copy, heartbeat("c4", 60.0))
    assert (copy.state, copy.staleness_seconds) == (State.STALE, 60)


def test_a_change_shows_and_is_told_on(copy: Copy[Shop]) -> None:
    told = tell(copy, resource(), snapshot_end("c1"), change("c2", 7, display_name="Autre"))
    assert label(copy) == "Autre"
    assert (copy.cursor, copy.changed) == ("c2", True)
    assert told[1] == Renewed("shop")
    assert isinstance(told[2], Change)
    assert (told[2].resource, told[2].sequence, told[2].fields) == (NAME, 7, ("display_name",))


def test_what_is_gone_is_gone(copy: Copy[Shop]) -> None:
    tell(copy, resource(), snapshot_end("c1"), change("c2", 7, gone=True))
    assert label(copy) is None


def test_while_it_is_made_anew_it_answers_as_before_and_keeps_its_place(copy: Copy[Shop]) -> None:
    tell(copy, resource(), resource(OTHER), snapshot_end("c1"))
    tell(copy, resync(), resource(display_name="Neuf"))
    assert (label(copy), label(copy, "12345678"), copy.cursor) == (
        "Boutique du port",
        "Boutique du port",
        "c1",
    )
    tell(copy, snapshot_end("c9"))
    assert (label(copy), label(copy, "12345678"), copy.cursor) == ("Neuf", None, "c9")


def test_a_snapshot_that_was_cut_off_leaves_nothing_behind(copy: Copy[Shop]) -> None:
    tell(copy, resource(OTHER))
    copy.begin()
    tell(copy, resource(), snapshot_end("c1"))
    assert (label(copy, "12345678"), len(copy)) == (None, 1)


def test_a_renewal_that_was_cut_off_leaves_what_was_known(copy: Copy[Shop]) -> None:
    tell(copy, resource(), snapshot_end("c1"), resync(), resource(OTHER))
    copy.begin()
    # Another feed still knows the cursor.
    tell(copy, change("c2", 7, display_name="Autre"))
    assert (label(copy), label(copy, "12345678"), copy.cursor) == ("Autre", None, "c2")


def test_of_a_later_version_nothing_is_kept_and_other_types_are_passed_over(copy: Copy[Shop]) -> None:
    later, other = change("c2", 7, display_name="Later"), change("c3", 8, display_name="Other")
    later.change.schema_version = 2
    other.change.type = "comptoir.shop/Key"
    told = tell(copy, resource(), snapshot_end("c1"), later, other)
    assert (label(copy), told[2:], copy.cursor) == (None, [None, None], "c3")


@pytest.mark.parametrize(
    "state",
    [
        {"validation_mode": "VALIDATION_MODE_BY_THE_MOON"},
        {"capture_delay_days": "soon"},
        {"capture_delay_days": None},
    ],
    ids=str,
)
def test_of_what_it_does_not_understand_it_keeps_nothing(copy: Copy[Shop], state: dict[str, Any]) -> None:
    tell(copy, resource(), snapshot_end("c1"), change("c2", 7, **state))
    assert (label(copy), copy.cursor) == (None, "c2")


def test_states_that_a_later_contract_adds_are_unspecified(copy: Copy[Shop]) -> None:
    tell(copy, resource(state="SHOP_STATE_ON_LEAVE"), snapshot_end("c1"))
    found = copy.get("69876357")
    assert found is not None
    assert found.state is ShopState.UNSPECIFIED

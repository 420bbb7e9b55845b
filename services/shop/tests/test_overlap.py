"""A former value of a key stays valid for as long as was chosen, and not a moment longer (SH12)."""

from __future__ import annotations

from datetime import UTC, timedelta

import pytest

from comptoir.shop.v1 import key_pb2, signature_pb2
from services.chassis.db.scope import Scope
from services.chassis.errors import Invalid, Precondition, Unauthenticated
from services.shop.key_deadlines import KEPT, MOST_KEPT
from services.shop.key_uses import Use, Uses
from services.shop.keys import KINDS, KeyRing
from services.shop.tests.counter import Counter

DAY = timedelta(days=1)


def generations(counter: Counter, shop: str, key: str) -> list[tuple[int, bool]]:
    """The values of a key, newest first: generation, and whether it is valid now."""
    with counter.running.resources.database.transaction(Scope("acme", read_only=True)) as db:
        values = KeyRing(counter.running.resources.vault).values(db, "acme", shop[-8:], KINDS[key])
    return [(value.generation, value.is_live(counter.clock())) for value in values]


def test_a_test_key_dies_at_once_unless_an_overlap_is_asked_for(counter: Counter) -> None:
    shop = counter.opened()
    former = counter.signed(shop).signature

    rotated = counter.act("RegenerateTestKey", shop, "form-test")

    assert not rotated.HasField("former")
    assert generations(counter, shop, "form-test") == [(2, True), (1, False)]
    assert not counter.verdict(shop, former).valid


def test_a_production_key_overlaps_for_a_day_unless_told_otherwise(counter: Counter) -> None:
    shop = counter.opened(ready=True)
    first = counter.act("GenerateProductionKey", shop, "form-production")
    former = counter.signed(shop, "PRODUCTION").signature

    rotated = counter.act("GenerateProductionKey", shop, "form-production")

    assert not first.HasField("former")
    assert rotated.former.check_value == first.check_value != rotated.check_value
    assert rotated.former.expire_time.ToDatetime(UTC) == counter.clock() + DAY
    assert counter.verdict(shop, former, "PRODUCTION").valid
    assert counter.signed(shop, "PRODUCTION").former_signature == former
    counter.clock.forward(hours=24)
    assert not counter.key(shop, "form-production").HasField("former")
    late = counter.verdict(shop, former, "PRODUCTION")
    assert (late.valid, late.cause) == (False, signature_pb2.CAUSE_RETIRED_KEY)


def test_no_second_rotation_within_an_overlap_unless_forced(counter: Counter) -> None:
    shop = counter.opened()
    counter.act("RegenerateTestKey", shop, "hmac-test", overlap="3600s")

    with pytest.raises(Precondition) as refused:
        counter.act("RegenerateTestKey", shop, "hmac-test")
    forced = counter.act("RegenerateTestKey", shop, "hmac-test", force=True, overlap="3600s")

    assert refused.value.reason == "OVERLAP_RUNNING"
    assert "'force'" in refused.value.message
    assert forced.HasField("former")
    assert generations(counter, shop, "hmac-test") == [(3, True), (2, True), (1, False)]


@pytest.mark.parametrize("overlap", ["-1s", "604801s"])
def test_an_overlap_is_at_most_seven_days(counter: Counter, overlap: str) -> None:
    with pytest.raises(Invalid) as refused:
        counter.act("RegenerateTestKey", counter.opened(), "form-test", overlap=overlap)

    assert [violation.field for violation in refused.value.violations] == ["overlap"]


def test_the_end_of_an_overlap_is_moved_within_seven_days_of_now(counter: Counter) -> None:
    shop, now = counter.opened(), counter.clock()
    counter.act("RegenerateTestKey", shop, "form-test", overlap="60s")

    moved = counter.act("ExtendOverlap", shop, "form-test", expireTime=(now + 7 * DAY).isoformat())
    for wrong in (now, now + 7 * DAY + timedelta(seconds=1)):
        with pytest.raises(Invalid) as refused:
            counter.act("ExtendOverlap", shop, "form-test", expireTime=wrong.isoformat())
        assert [violation.field for violation in refused.value.violations] == ["expire_time"]

    assert moved.former.expire_time.ToDatetime(UTC) == now + 7 * DAY


def test_an_overlap_is_ended_at_once(counter: Counter) -> None:
    shop = counter.opened()
    counter.act("RegenerateTestKey", shop, "form-test", overlap="3600s")

    finished = counter.act("FinishOverlap", shop, "form-test")
    with pytest.raises(Precondition) as refused:
        counter.act("FinishOverlap", shop, "form-test")

    assert not finished.HasField("former")
    assert refused.value.reason == "NO_OVERLAP"
    assert generations(counter, shop, "form-test") == [(2, True), (1, False)]


def test_a_rotation_is_undone_into_a_new_place_while_it_overlaps(counter: Counter) -> None:
    shop = counter.opened()
    before, signed = counter.key(shop, "form-test"), counter.signed(shop).signature
    counter.clock.forward(minutes=5)
    counter.act("RegenerateTestKey", shop, "form-test", overlap="3600s")
    undone_signature = counter.signed(shop).signature

    undone = counter.act("UndoRotation", shop, "form-test")

    assert (undone.check_value, undone.generate_time) == (before.check_value, before.generate_time)
    assert generations(counter, shop, "form-test") == [(3, True), (2, False)]
    assert counter.signed(shop).signature == signed
    assert not counter.verdict(shop, undone_signature).valid
    with pytest.raises(Precondition):
        counter.act("UndoRotation", shop, "form-test")


def test_after_the_overlap_nothing_is_undone(counter: Counter) -> None:
    shop = counter.opened()
    counter.act("RegenerateTestKey", shop, "form-test", overlap="3600s")
    counter.clock.forward(hours=1)

    with pytest.raises(Precondition) as refused:
        counter.act("UndoRotation", shop, "form-test")

    assert refused.value.reason == "NO_OVERLAP"


def test_an_import_takes_an_overlap_and_a_public_key_shows_its_former_value(counter: Counter) -> None:
    shop = counter.opened()
    name, before = f"{shop}/keys/public-test", counter.key(shop, "public-test")
    value = f"{shop[-8:]}:testpublickey_DEMOPUBLICKEY95me92597fd28tGD4r5"

    request = {"name": name, "value": value, "overlap": "3600s"}
    imported = counter.call("KeyService/ImportKey", key_pb2.Key, request, service="bootstrap")

    assert imported.public_value == value
    assert imported.former.public_value == before.public_value


def test_a_value_is_named_for_ninety_days_and_then_forgotten(counter: Counter) -> None:
    shop = counter.opened()
    counter.act("RegenerateTestKey", shop, "form-test", overlap="3600s")
    counter.clock.forward(hours=1)
    counter.keep_time()
    kept = counter.key(shop, "form-test").former_count
    counter.clock.now += KEPT
    counter.keep_time()

    assert kept == 1
    assert counter.key(shop, "form-test").former_count == 0
    assert generations(counter, shop, "form-test") == [(2, True)]
    last = counter.changes(f"{shop}/keys/form-test")[-2:]
    assert last == [
        ("UPDATE", ["former.expire_time"], "services/shop"),
        ("UPDATE", ["former_count"], "services/shop"),
    ]


def test_who_uses_which_value_is_told_and_follows_a_value_that_comes_back(counter: Counter) -> None:
    shop, uses = counter.opened(), Uses(counter.running.resources.database)
    used = Use("acme", shop[-8:], "form-test", 1, "payment-engine/form")
    uses.count(used, counter.clock())
    uses.write()

    def told() -> list[tuple[int, str, int]]:
        request, answer = {"parent": f"{shop}/keys/form-test"}, key_pb2.ListKeyUsesResponse
        found = counter.call("KeyService/ListKeyUses", answer, request).uses
        return [(use.value_state, use.integration, use.count) for use in found]

    current = told()
    rotated = counter.act("RegenerateTestKey", shop, "form-test", overlap="3600s")
    former = told()
    undone = counter.act("UndoRotation", shop, "form-test")

    one = ("payment-engine/form", 1)
    assert current == [(key_pb2.KEY_VALUE_STATE_CURRENT, *one)]
    assert former == [(key_pb2.KEY_VALUE_STATE_FORMER, *one)]
    assert told() == current
    assert not rotated.HasField("last_use_time")
    assert rotated.former.last_use_time.ToDatetime(UTC) == counter.clock()
    assert undone.last_use_time == rotated.former.last_use_time


def test_uses_that_were_not_written_yet_at_an_undo_stay_those_of_the_value_that_was_used(
    counter: Counter,
) -> None:
    shop, uses = counter.opened(), Uses(counter.running.resources.database)
    used = Use("acme", shop[-8:], "form-test", 1, "payment-engine/form")
    uses.count(used, counter.clock())
    uses.write()
    uses.count(used, counter.clock())
    counter.act("RegenerateTestKey", shop, "form-test", overlap="3600s")
    undone = counter.act("UndoRotation", shop, "form-test")
    uses.write()

    request, answer = {"parent": f"{shop}/keys/form-test"}, key_pb2.ListKeyUsesResponse
    (told,) = counter.call("KeyService/ListKeyUses", answer, request).uses

    assert (told.value_state, told.check_value, told.count) == (
        key_pb2.KEY_VALUE_STATE_CURRENT,
        undone.check_value,
        2,
    )
    assert counter.key(shop, "form-test").last_use_time.ToDatetime(UTC) == counter.clock()


def test_what_is_used_after_an_undo_is_counted_where_the_value_was_counted_before(counter: Counter) -> None:
    shop, resources = counter.opened(), counter.running.resources
    counter.act("RegenerateTestKey", shop, "form-test", overlap="3600s")
    counter.act("UndoRotation", shop, "form-test")

    with resources.database.transaction(Scope("acme", read_only=True)) as db:
        values = KeyRing(resources.vault).values(db, "acme", shop[-8:], KINDS["form-test"])

    assert [(value.generation, value.counted) for value in values] == [(3, 1), (2, 2)]


def test_of_the_retired_values_of_a_key_the_latest_are_kept(counter: Counter) -> None:
    shop, uses = counter.opened(), Uses(counter.running.resources.database)
    uses.count(Use("acme", shop[-8:], "hmac-test", 1, "payment-engine/answer"), counter.clock())
    uses.write()
    for _ in range(MOST_KEPT + 2):
        counter.clock.forward(minutes=1)
        key = counter.act("RegenerateTestKey", shop, "hmac-test", overlap="7200s", force=True)

    newest = MOST_KEPT + 3
    kept = [generation for generation, _ in generations(counter, shop, "hmac-test")]
    # The present one, the one that is valid beside it, and so many that are not.
    assert kept == list(range(newest, 1, -1))
    assert key.former_count == MOST_KEPT + 1
    with counter.running.database.administrator() as db:
        query = "select count(*) from shop_key_uses where shop_id = %s and key_id = 'hmac-test'"
        assert db.execute(query, [shop[-8:]]).fetchone() == (0,)


def test_a_rotation_of_production_asks_for_a_fresh_proof(counter: Counter) -> None:
    shop = counter.opened(ready=True)
    old = counter.token(auth_time=int(counter.clock().timestamp()) - 301)
    request = {"name": f"{shop}/keys/form-production"}

    with pytest.raises(Unauthenticated) as refused:
        counter.call("KeyService/GenerateProductionKey", key_pb2.Key, request, old)

    assert refused.value.reason == "INSUFFICIENT_USER_AUTHENTICATION"

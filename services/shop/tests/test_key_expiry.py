"""A key ends when it was scheduled to, and is told of before, by whichever process looks first (SH12)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, timedelta

import pytest

from comptoir.shop.v1 import key_pb2, signature_pb2
from services.chassis.errors import Invalid, Precondition
from services.shop.tests.counter import Counter


def schedule(counter: Counter, shop: str, **span: float) -> key_pb2.Key:
    """Lets the form test key end after so long."""
    time = counter.clock() + timedelta(**span)
    return counter.act("ScheduleKeyExpiry", shop, "form-test", expireTime=time.isoformat())


def told(counter: Counter, shop: str) -> list[list[str]]:
    """The fields of what the service itself changed."""
    name = f"{shop}/keys/form-test"
    return [fields for _, fields, actor in counter.changes(name) if actor == "services/shop"]


def test_an_expired_key_signs_nothing_and_is_named_as_retired(counter: Counter) -> None:
    shop = counter.opened()
    signed = counter.signed(shop).signature
    scheduled = schedule(counter, shop, hours=1)
    counter.clock.forward(hours=1)

    with pytest.raises(Precondition) as refused:
        counter.signed(shop)
    verdict = counter.verdict(shop, signed)

    assert scheduled.state == key_pb2.KEY_STATE_ACTIVE
    assert scheduled.expire_time.ToDatetime(UTC) == counter.clock()
    assert refused.value.reason == "KEY_EXPIRED"
    assert (verdict.valid, verdict.cause) == (False, signature_pb2.CAUSE_RETIRED_KEY)
    assert counter.key(shop, "form-test").state == key_pb2.KEY_STATE_EXPIRED


def test_a_new_value_of_an_expired_key_has_no_end_and_no_overlap(counter: Counter) -> None:
    shop = counter.opened()
    schedule(counter, shop, hours=1)
    counter.clock.forward(hours=2)

    rotated = counter.act("RegenerateTestKey", shop, "form-test", overlap="3600s")

    assert rotated.state == key_pb2.KEY_STATE_ACTIVE
    assert not rotated.HasField("expire_time")
    assert not rotated.HasField("former")
    assert counter.signed(shop).signature


def test_a_former_value_does_not_outlive_its_own_end_and_has_it_again_when_undone(counter: Counter) -> None:
    shop = counter.opened()
    scheduled = schedule(counter, shop, hours=1)

    rotated = counter.act("RegenerateTestKey", shop, "form-test", overlap="86400s")
    undone = counter.act("UndoRotation", shop, "form-test")

    assert rotated.former.expire_time == scheduled.expire_time == undone.expire_time
    assert not rotated.HasField("expire_time")


def test_an_end_within_an_overlap_is_the_end_of_both_values_and_of_undoing(counter: Counter) -> None:
    shop = counter.opened()
    former = counter.signed(shop).signature
    counter.act("RegenerateTestKey", shop, "form-test", overlap="86400s")
    scheduled = schedule(counter, shop, hours=1)
    counter.clock.forward(hours=1)

    with pytest.raises(Precondition) as refused:
        counter.act("UndoRotation", shop, "form-test")
    counter.act("RegenerateTestKey", shop, "form-test", overlap="3600s")
    verdict = counter.verdict(shop, former)

    assert scheduled.former.expire_time == scheduled.expire_time
    assert refused.value.reason == "NO_OVERLAP"
    assert (verdict.valid, verdict.cause) == (False, signature_pb2.CAUSE_RETIRED_KEY)
    assert verdict.retire_time == scheduled.expire_time


def test_reminders_come_three_times_each_once_and_then_the_end(counter: Counter) -> None:
    shop, days = counter.opened(), 40
    schedule(counter, shop, days=days)
    end, seen = counter.clock() + timedelta(days=days), {}
    for left in (40, 31, 30, 30, 8, 7, 7, 2, 1, 1, 0, 0):
        counter.clock.now = end - timedelta(days=left)
        counter.keep_time()
        seen[left] = len(told(counter, shop))

    assert seen == {40: 0, 31: 0, 30: 1, 8: 1, 7: 2, 2: 2, 1: 3, 0: 4}
    assert told(counter, shop) == [["reminder_time"]] * 3 + [["ended_time"]]


def test_after_a_long_standstill_there_is_one_reminder(counter: Counter) -> None:
    shop = counter.opened()
    schedule(counter, shop, days=40)
    counter.clock.forward(days=39, hours=1)
    counter.keep_time()
    counter.keep_time()

    assert told(counter, shop) == [["reminder_time"]]


def test_what_is_near_when_it_is_scheduled_is_told_at_the_next_mark(counter: Counter) -> None:
    shop = counter.opened()
    schedule(counter, shop, days=20)
    counter.keep_time()
    early = told(counter, shop)
    counter.clock.forward(days=13)
    counter.keep_time()

    assert early == []
    assert told(counter, shop) == [["reminder_time"]]


def test_what_was_cancelled_is_not_told(counter: Counter) -> None:
    shop = counter.opened()
    schedule(counter, shop, days=31)
    cancelled = counter.act("ScheduleKeyExpiry", shop, "form-test")
    counter.clock.forward(days=60)
    counter.keep_time()

    assert not cancelled.HasField("expire_time")
    assert told(counter, shop) == []
    assert counter.key(shop, "form-test").state == key_pb2.KEY_STATE_ACTIVE


def test_processes_that_look_at_once_do_each_thing_once(counter: Counter) -> None:
    shops = [counter.opened() for _ in range(5)]
    for shop in shops:
        schedule(counter, shop, days=31)
    counter.clock.forward(days=1)

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(counter.keep_time) for _ in range(4)]:
            done.result(timeout=60)
    counter.keep_time()

    assert [told(counter, shop) for shop in shops] == [[["reminder_time"]]] * 5


def test_an_end_lies_in_the_future_and_what_has_ended_stays_so(counter: Counter) -> None:
    shop = counter.opened()
    with pytest.raises(Invalid) as past:
        schedule(counter, shop, seconds=0)
    with pytest.raises(Precondition) as missing:
        counter.act("ScheduleKeyExpiry", shop, "form-production")
    schedule(counter, shop, hours=1)
    counter.clock.forward(hours=1)
    with pytest.raises(Precondition) as ended:
        counter.act("ScheduleKeyExpiry", shop, "form-test")

    assert [violation.field for violation in past.value.violations] == ["expire_time"]
    assert (missing.value.reason, ended.value.reason) == ("KEY_NOT_GENERATED", "KEY_EXPIRED")

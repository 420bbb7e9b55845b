"""Production is open to a shop once four test payments were seen, and closed to one that is closed (SH3, SH6)."""

from __future__ import annotations

from typing import Any

import pytest

from comptoir.shop.v1 import go_live_pb2, key_pb2, shop_pb2
from services.chassis.errors import Denied, Invalid, Precondition
from services.shop.tests.counter import ACCEPTED, REFUSED, Counter

PRODUCTION_KEYS = ("form-production", "rest-password-production", "public-production", "hmac-production")


def read(counter: Counter, shop: str) -> go_live_pb2.GoLive:
    return counter.call("GoLiveService/GetGoLive", go_live_pb2.GoLive, {"name": f"{shop}/goLive"})


def settings(counter: Counter, shop: str) -> shop_pb2.Shop:
    return counter.call("ShopService/GetShop", shop_pb2.Shop, {"name": shop})


def staff(counter: Counter, method: str, shop: str, **changes: Any) -> shop_pb2.Shop:
    request = {"name": shop, "reason": "Asked for by the merchant", **changes}
    return counter.call(f"GoLiveService/{method}", shop_pb2.Shop, request, counter.operator())


def test_what_is_missing_is_told_until_two_payments_of_each_outcome_were_seen(counter: Counter) -> None:
    shop = counter.opened()
    steps = [read(counter, shop)]
    for transaction, outcome in (("A", ACCEPTED), ("B", REFUSED), ("C", ACCEPTED), ("D", REFUSED)):
        steps.append(counter.tested(shop, transaction, outcome, brand="MAESTRO"))

    missing = [(each.missing_accepted, each.missing_refused, each.production_allowed) for each in steps]
    assert missing == [(2, 2, False), (1, 2, False), (1, 1, False), (0, 1, False), (0, 0, True)]
    assert read(counter, shop) == steps[-1]
    assert [(each.transaction_id, each.outcome, each.brand, each.seen) for each in steps[-1].scenarios] == [
        ("A", 1, "MAESTRO", True),
        ("C", 1, "MAESTRO", True),
        ("B", 2, "MAESTRO", True),
        ("D", 2, "MAESTRO", True),
    ]


def test_the_last_payment_makes_the_shop_ready_for_everybody_who_reads_it(counter: Counter) -> None:
    shop = counter.opened()
    before = settings(counter, shop)
    wild = f"companies/-/shops/{shop[-8:]}"
    for transaction, outcome in (("A", ACCEPTED), ("B", ACCEPTED), ("C", REFUSED), ("D", REFUSED)):
        counter.tested(wild, transaction, outcome)
    after = settings(counter, shop)

    assert (before.state, after.state) == (
        shop_pb2.SHOP_STATE_TEST_ONLY,
        shop_pb2.SHOP_STATE_PRODUCTION_READY,
    )
    assert before.etag != after.etag
    assert [action for action, _, _ in counter.changes(f"{shop}/goLive")] == ["CREATE", *["UPDATE"] * 3]
    assert counter.changes(shop)[-1] == ("UPDATE", ["state"], "services/payment-engine")


def test_the_same_transaction_counts_once_and_what_is_not_missing_leaves_no_change(counter: Counter) -> None:
    shop = counter.opened()
    for _ in range(3):
        counter.tested(shop, "A")
    counter.tested(shop, "A", REFUSED)
    told = counter.tested(shop, "B")
    counter.tested(shop, "C")

    assert (told.missing_accepted, told.missing_refused) == (0, 2)
    assert len(counter.changes(f"{shop}/goLive")) == 2


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"outcome": "PAYMENT_OUTCOME_UNSPECIFIED"}, "outcome"),
        ({"transactionId": ""}, "transaction_id"),
        ({"transactionId": "a b"}, "transaction_id"),
        ({"brand": "<script>"}, "brand"),
        ({"paymentTime": None}, "payment_time"),
    ],
)
def test_a_report_that_lacks_something_is_refused(
    counter: Counter, wrong: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        counter.tested(counter.opened(), **{"transaction": "A", **wrong})

    assert [violation.field for violation in refused.value.violations] == [field]


@pytest.mark.parametrize("key", PRODUCTION_KEYS)
def test_a_production_key_is_generated_only_after_the_tests(counter: Counter, key: str) -> None:
    shop = counter.opened()
    before = counter.key(shop, key)
    with pytest.raises(Precondition) as refused:
        counter.act("GenerateProductionKey", shop, key)
    for transaction, outcome in (("A", ACCEPTED), ("B", ACCEPTED), ("C", REFUSED), ("D", REFUSED)):
        counter.tested(shop, transaction, outcome)
    after = counter.act("GenerateProductionKey", shop, key)

    assert refused.value.reason == "GO_LIVE_INCOMPLETE"
    assert before.state == key_pb2.KEY_STATE_TO_BE_GENERATED
    assert (after.state, after.former_count) == (key_pb2.KEY_STATE_ACTIVE, 0)


def test_each_environment_has_its_own_method(counter: Counter) -> None:
    shop = counter.opened(ready=True)
    reasons = []
    for method, key in (("GenerateProductionKey", "form-test"), ("RegenerateTestKey", "form-production")):
        with pytest.raises(Precondition) as refused:
            counter.act(method, shop, key)
        reasons.append(refused.value.reason)

    assert reasons == ["NOT_A_PRODUCTION_KEY", "NOT_A_TEST_KEY"]


def test_a_form_key_has_the_format_that_was_chosen(counter: Counter) -> None:
    shop = counter.opened(ready=True)
    counter.act("GenerateProductionKey", shop, "form-production", format="KEY_FORMAT_NUMERIC")
    with pytest.raises(Invalid) as refused:
        counter.act("GenerateProductionKey", shop, "hmac-production", format="KEY_FORMAT_NUMERIC")

    value = counter.revealed(shop, "form-production")
    assert (len(value), value.isdecimal()) == (16, True)
    assert [violation.field for violation in refused.value.violations] == ["format"]


def test_a_closed_shop_signs_nothing_for_production_and_has_no_new_keys(counter: Counter) -> None:
    shop = counter.opened(ready=True)
    counter.act("GenerateProductionKey", shop, "form-production")
    signed = counter.signed(shop, "PRODUCTION").signature

    closed = staff(counter, "CloseShop", shop)
    reasons = []
    for refuse in (
        lambda: counter.signed(shop, "PRODUCTION"),
        lambda: counter.act("GenerateProductionKey", shop, "form-production"),
        lambda: counter.act("RegenerateTestKey", shop, "form-test"),
        lambda: counter.act("ScheduleKeyExpiry", shop, "form-test"),
    ):
        with pytest.raises(Precondition) as refused:
            refuse()
        reasons.append(refused.value.reason)

    assert closed.state == shop_pb2.SHOP_STATE_CLOSED
    assert reasons == ["SHOP_CLOSED"] * 4
    assert counter.signed(shop, "TEST").signature
    assert counter.revealed(shop, "form-test")
    assert staff(counter, "ReopenShop", shop).state == shop_pb2.SHOP_STATE_PRODUCTION_READY
    assert counter.signed(shop, "PRODUCTION").signature == signed
    moved = ["state", "state_before_closing"]
    assert [change[1] for change in counter.changes(shop)[-2:]] == [moved, moved]


def test_closing_twice_is_closing_once_and_needs_a_reason(counter: Counter) -> None:
    shop = counter.opened()
    staff(counter, "CloseShop", shop)
    staff(counter, "CloseShop", shop)
    with pytest.raises(Invalid) as refused:
        staff(counter, "ReopenShop", shop, reason="")

    assert len(counter.changes(shop)) == 2
    assert [violation.field for violation in refused.value.violations] == ["reason"]
    assert staff(counter, "ReopenShop", shop).state == shop_pb2.SHOP_STATE_TEST_ONLY


def test_a_merchant_closes_nothing(counter: Counter) -> None:
    request = {"name": counter.opened(), "reason": "Holidays"}
    with pytest.raises(Denied):
        counter.call("GoLiveService/CloseShop", shop_pb2.Shop, request)


def test_only_the_first_production_payment_is_noted(counter: Counter) -> None:
    shop = counter.opened()
    first = counter.paid(shop)
    counter.clock.forward(minutes=1)
    second = counter.paid(f"companies/-/shops/{shop[-8:]}")

    assert first.HasField("first_production_payment_time")
    assert first == second == read(counter, shop)
    assert len(counter.changes(f"{shop}/goLive")) == 1


def test_a_shop_that_moves_here_with_its_production_keys_is_in_production_and_stays_so(
    counter: Counter,
) -> None:
    shop = counter.opened()
    before = settings(counter, shop).state
    request = {"name": f"{shop}/keys/form-production", "value": "1122334455667788"}
    counter.call("KeyService/ImportKey", key_pb2.Key, request, service="bootstrap")
    signed = counter.signed(shop, "PRODUCTION").signature
    after = settings(counter, shop).state
    staff(counter, "CloseShop", shop)

    assert (before, after) == (shop_pb2.SHOP_STATE_TEST_ONLY, shop_pb2.SHOP_STATE_PRODUCTION_READY)
    assert staff(counter, "ReopenShop", shop).state == shop_pb2.SHOP_STATE_PRODUCTION_READY
    assert counter.verdict(shop, signed, "PRODUCTION").valid


@pytest.mark.parametrize("ready", [False, True])
def test_a_shop_that_was_closed_before_it_was_noted_where_it_stood_is_ready_if_anything_shows_it(
    counter: Counter, ready: bool
) -> None:
    shop = counter.opened()
    if ready:
        counter.paid(shop)
    staff(counter, "CloseShop", shop)
    with counter.running.database.administrator() as db:
        db.execute("set session_replication_role = replica")
        db.execute("update shops set state_before_closing = '' where shop_id = %s", [shop[-8:]])

    stands = shop_pb2.SHOP_STATE_PRODUCTION_READY if ready else shop_pb2.SHOP_STATE_TEST_ONLY
    assert staff(counter, "ReopenShop", shop).state == stands


def test_what_is_reported_of_a_closed_shop_makes_it_ready_for_nothing(counter: Counter) -> None:
    shop = counter.opened()
    staff(counter, "CloseShop", shop)
    for number, outcome in enumerate((ACCEPTED, ACCEPTED, REFUSED, REFUSED)):
        counter.tested(shop, f"T{number}", outcome)
    counter.paid(shop)

    assert staff(counter, "ReopenShop", shop).state == shop_pb2.SHOP_STATE_TEST_ONLY
    assert not any(scenario.transaction_id for scenario in read(counter, shop).scenarios)

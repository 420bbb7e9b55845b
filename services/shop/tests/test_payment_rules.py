"""Rules of payments, over the wire (SH7 to SH11). What they are is tested where they are resolved, in the client."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp

from comptoir.changes.v1 import feed_pb2
from comptoir.shop.v1 import rules_pb2, shop_pb2
from comptoir_rules import Moment, Origin, Reason, Source, ValidationMode
from services.chassis.db.scope import Scope
from services.chassis.errors import Denied, Invalid, NotFound, NotReady
from services.chassis.mirrors.writer import MirrorWriter
from services.chassis.names import new_id
from services.chassis.testing.running import Running
from services.chassis.testing.transactions import begins_none
from services.chassis.testing.waiting import until
from services.shop.rows import MIRRORS
from services.shop.service import SHOP

# 14:30 of the same day in UTC is 01:30 of the next one in Nouméa, where the companies of tests are.
AFTERNOON = datetime(2026, 11, 30, 14, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def shop(run_service: Callable[..., Running]) -> Running:
    return run_service(SHOP)


def opened(shop: Running, **settings: Any) -> shop_pb2.Shop:
    request = shop_pb2.CreateShopRequest(
        parent=f"companies/{new_id()}", shop=shop_pb2.Shop(display_name="Boutique du port", **settings)
    )
    return shop.call("ShopService/CreateShop", request, shop_pb2.Shop, service="bootstrap")


def facts(**others: Any) -> rules_pb2.PaymentFacts:
    return rules_pb2.PaymentFacts(
        **{
            "source": rules_pb2.PAYMENT_SOURCE_FORM,
            "amount_minor": 20_000,
            "currency_code": "EUR",
            "brand": "CB",
            "time": Timestamp(seconds=int(AFTERNOON.timestamp())),
            **others,
        }
    )


def resolved(
    shop: Running, name: str, *, service: str = "payment-engine", **others: Any
) -> rules_pb2.ResolvePaymentRulesResponse:
    request = rules_pb2.ResolvePaymentRulesRequest(shop=name, transaction=facts(**others))
    return shop.call(
        "RulesService/ResolvePaymentRules", request, rules_pb2.ResolvePaymentRulesResponse, service=service
    )


def by_public_id(name: str) -> str:
    return f"companies/-/shops/{name.rpartition('/')[2]}"


def set_delay(shop: Running, name: str, days: int) -> None:
    change = shop_pb2.UpdateShopRequest(
        shop=shop_pb2.Shop(name=name, capture_delay_days=days),
        update_mask=FieldMask(paths=["capture_delay_days"]),
    )
    token = shop.mint.token(company=name.split("/")[1])
    shop.call("ShopService/UpdateShop", change, shop_pb2.Shop, token=token)


def hear(shop: Running, company: str, zone: str) -> None:
    """Writes as the follower of the company service does when it hears of the company."""
    told = feed_pb2.Resource(type="comptoir.company/Company", name=company)
    told.state.update(
        {"legal_name": "Les Halles", "region_code": "NC", "time_zone": zone, "language_code": "fr"}
    )
    database = shop.resources.database
    assert database is not None
    with database.transaction(Scope(mirror=True)) as session:
        MirrorWriter(MIRRORS.of("company")).put(session, told)


def test_a_shop_is_found_by_its_public_id_as_by_its_full_name(shop: Running) -> None:
    name = opened(shop, capture_delay_days=3).name

    full, public = resolved(shop, name), resolved(shop, by_public_id(name), service="payment-pages")

    assert full == public
    assert full.shop == name
    assert full.time_zone == "Pacific/Noumea"
    assert full.transaction_date == "2026-12-01"
    assert full.capture_date.value == "2026-12-04"
    assert full.capture_date.origin == rules_pb2.RULE_ORIGIN_SHOP_DEFAULT
    assert full.capture_date.reason == rules_pb2.RULE_REASON_SHOP_DELAY


def test_rules_follow_the_settings_from_the_first_answer_after_their_update(shop: Running) -> None:
    name = opened(shop).name
    before = [resolved(shop, each).capture_date.value for each in (name, by_public_id(name))]

    set_delay(shop, name, 5)

    after = [resolved(shop, each).capture_date.value for each in (name, by_public_id(name))]
    assert before == ["2026-12-01"] * 2
    assert after == ["2026-12-06"] * 2


def test_rules_follow_the_companys_zone_once_this_service_hears_of_it(shop: Running) -> None:
    name = opened(shop).name
    assert resolved(shop, name).transaction_date == "2026-12-01"

    hear(shop, f"companies/{name.split('/')[1]}", "Europe/Paris")

    found = until(
        lambda: answer if (answer := resolved(shop, name)).time_zone == "Europe/Paris" else None,
        "rules in the new zone",
    )
    assert found.transaction_date == "2026-11-30"


def test_rules_are_answered_from_memory(shop: Running) -> None:
    name = opened(shop).name
    first = resolved(shop, name)

    # A forgetting that comes while the answer is being kept, of the shop's own making, keeps it out once.
    until(lambda: begins_none(shop, lambda: resolved(shop, name)), "the rules are in memory")
    assert resolved(shop, name) == first


def test_a_company_that_is_not_known_yet_is_answered_not_ready(shop: Running) -> None:
    name = opened(shop).name
    company = name.split("/")[1]
    with shop.database.administrator() as connection:
        connection.execute("delete from known_companies where company = %s", (company,))

    with pytest.raises(NotReady) as refused:
        resolved(shop, by_public_id(name))

    assert refused.value.retry_after_seconds is not None


@pytest.mark.parametrize(
    ("field", "rule", "others"),
    [
        ("transaction.capture_date", "date", {"capture_date": "2026-02-30"}),
        ("transaction.capture_date", "not_before_transaction", {"capture_date": "2026-11-30"}),
        ("transaction.capture_delay", "days", {"capture_delay": "two"}),
        ("transaction.instalments", "notation", {"instalments": "MULTI:count=4"}),
        ("transaction.instalments", "total", {"instalments": "MULTI_EXT:20261225=1"}),
    ],
)
def test_a_fact_that_no_transaction_can_have_is_refused_by_field_and_rule(
    shop: Running, field: str, rule: str, others: dict[str, str]
) -> None:
    name = opened(shop).name

    with pytest.raises(Invalid) as refused:
        resolved(shop, name, **others)

    assert [(field, rule)] == [(found.field, found.rule) for found in refused.value.violations]


FIRST_YEAR = int(datetime(1, 12, 31, 23, 59, tzinfo=UTC).timestamp())
LAST_YEAR = int(datetime(9999, 12, 31, 23, 59, tzinfo=UTC).timestamp())


@pytest.mark.parametrize("seconds", [FIRST_YEAR, LAST_YEAR, 10**14, -(10**14), 2**63 - 1])
def test_a_time_out_of_reach_is_refused_like_other_bad_facts(shop: Running, seconds: int) -> None:
    assert_bad_time(shop, Timestamp(seconds=seconds))


@pytest.mark.parametrize("nanos", [-1, 2**31 - 1])
def test_a_time_that_is_none_is_refused_like_other_bad_facts(shop: Running, nanos: int) -> None:
    assert_bad_time(shop, Timestamp(nanos=nanos))


def assert_bad_time(shop: Running, time: Timestamp) -> None:
    with pytest.raises(Invalid) as refused:
        resolved(shop, opened(shop).name, time=time)

    assert [found.field for found in refused.value.violations] == ["transaction.time"]


def test_a_manual_entry_without_date_and_mode_is_told_what_it_lacks(shop: Running) -> None:
    found = resolved(shop, opened(shop).name, source=rules_pb2.PAYMENT_SOURCE_MANUAL_ENTRY)

    assert [(violation.field, violation.reason) for violation in found.violations] == [
        ("transaction.capture_date", rules_pb2.RULE_REASON_MANUAL_ENTRY_NEEDS_DATE),
        ("transaction.validation_mode", rules_pb2.RULE_REASON_MANUAL_ENTRY_NEEDS_MODE),
    ]
    assert found.capture_date.value == ""
    assert found.validation_mode.value == shop_pb2.VALIDATION_MODE_UNSPECIFIED
    assert not found.course.deferred.HasField("value")


def test_instalments_go_over_the_wire_with_their_own_course(shop: Running) -> None:
    found = resolved(
        shop,
        opened(shop).name,
        instalments="MULTI:first=10000;count=4;period=30",
        capture_delay="2",
        validation_mode="1",
    )

    assert [each.amount_minor.value for each in found.instalments] == [10_000, 3_333, 3_333, 3_334]
    assert [each.capture_date.value for each in found.instalments] == [
        "2026-12-03",
        "2027-01-02",
        "2027-02-01",
        "2027-03-03",
    ]
    assert [each.course.deferred.value for each in found.instalments] == [False, True, True, True]
    assert found.instalments[3].course.expire_time.ToDatetime(UTC) == datetime(2027, 3, 3, 13, tzinfo=UTC)
    assert found.further_attempts.value is False


def test_unknown_shops_are_not_found_and_other_services_not_served(shop: Running) -> None:
    with pytest.raises(NotFound):
        resolved(shop, "companies/-/shops/00000000")
    with pytest.raises(Denied):
        resolved(shop, opened(shop).name, service="mailer")


@pytest.mark.parametrize(
    ("ours", "theirs", "prefix"),
    [
        (Reason, rules_pb2.RuleReason, "RULE_REASON_"),
        (Origin, rules_pb2.RuleOrigin, "RULE_ORIGIN_"),
        (Moment, rules_pb2.AuthorizationMoment, "AUTHORIZATION_MOMENT_"),
        (Source, rules_pb2.PaymentSource, "PAYMENT_SOURCE_"),
        (ValidationMode, shop_pb2.ValidationMode, "VALIDATION_MODE_"),
    ],
)
def test_every_word_of_the_rules_has_its_like_in_the_contract(ours: Any, theirs: Any, prefix: str) -> None:
    assert {f"{prefix}UNSPECIFIED", *(f"{prefix}{word}" for word in ours)} == set(theirs.keys())


@pytest.mark.parametrize("reason", Reason)
def test_the_page_on_the_rules_tells_every_reason_its_origin_and_its_chapter(reason: Reason) -> None:
    page = (Path(__file__).parents[3] / "docs" / "payment-rules.md").read_text()
    origin = reason.origin.replace("_", " ").lower()

    assert f"| `{reason}` | {origin} | {reason.chapter} |" in page

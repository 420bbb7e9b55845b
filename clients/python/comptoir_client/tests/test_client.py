"""Settings are there without a call, as fresh as the feed; what is not there is asked for; signatures always are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from comptoir_client import (
    Cause,
    Change,
    Comptoir,
    Environment,
    Invalid,
    NotFound,
    Renewed,
    SignatureAlgorithm,
    State,
    Unavailable,
)
from comptoir_client.tests.platform import Suite
from comptoir_rules import BadFact, Source, Transaction, ValidationMode
from services.chassis.testing.running import Running
from services.chassis.testing.waiting import until
from services.company.service import COMPANY
from services.shop.service import SHOP

_PATIENCE_SECONDS = 20.0


@pytest.fixture(scope="module")
def running(run_service: Callable[..., Running]) -> tuple[Running, Running]:
    return run_service(COMPANY), run_service(SHOP)


@pytest.fixture
def suite(
    running: tuple[Running, Running], certificates: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Suite]:
    made = Suite(*running, certificates, tmp_path_factory.mktemp("feeds"))
    yield made
    made.close()


def live(client: Comptoir) -> Comptoir:
    assert client.replica.wait_live(_PATIENCE_SECONDS), client.replica.state
    return client


def settled(client: Comptoir, shop: str, label: str) -> None:
    """Returns once the client has been told so."""
    until(lambda: client.shop(shop).display_name == label, f"{shop} is called {label}")


def test_settings_and_companies_are_told_and_not_asked_for(suite: Suite) -> None:
    company = suite.open_company()
    shop = suite.open_shop(company, display_name="Marché", capture_delay_days=3)
    client = live(suite.client(calls=False))

    assert client.lookup(shop[-8:]) == shop
    assert client.shop(shop) == client.shop(shop[-8:])
    found = client.shop(shop)
    assert (found.name, found.display_name, found.capture_delay_days) == (shop, "Marché", 3)
    assert client.company(company).time_zone == "Pacific/Noumea"


def test_what_is_told_and_what_is_asked_for_are_one_and_the_same(suite: Suite) -> None:
    company = suite.open_company()
    shop = suite.open_shop(company, url="https://boutique.example", notify_refused_attempts=True)
    told, asked = live(suite.client()), suite.client(feeds=False)

    assert (told.replica.state, asked.replica.state) == (State.LIVE, State.COLD)
    assert asked.shop(shop) == told.shop(shop)
    assert asked.company(company) == told.company(company)


def test_a_change_is_told_to_whoever_listens(suite: Suite) -> None:
    shop = suite.open_shop(suite.open_company())
    heard: list[Change | Renewed] = []
    client = live(suite.client(listener=heard.append))
    suite.update(shop, display_name="Autre")
    settled(client, shop, "Autre")

    until(lambda: [each for each in heard if isinstance(each, Change)], "the listener heard of it")
    told = next(each for each in heard if isinstance(each, Change))
    assert (told.resource, told.fields, told.action) == (shop, ("display_name",), "UPDATE")
    assert {each.source for each in heard if isinstance(each, Renewed)} == {"shop", "company"}


def test_a_listener_that_fails_ends_nothing(suite: Suite, caplog: pytest.LogCaptureFixture) -> None:
    def fail(heard: Change | Renewed) -> None:
        raise RuntimeError("it had a bad day")

    shop = suite.open_shop(suite.open_company())
    client = live(suite.client(listener=fail))
    suite.update(shop, display_name="Autre")
    settled(client, shop, "Autre")
    assert "a listener failed" in caplog.text


def test_a_read_that_names_a_revision_is_never_older(suite: Suite) -> None:
    shop = suite.open_shop(suite.open_company())
    client = live(suite.client())
    suite.stop_feed()
    revision = suite.update(shop, display_name="Just now")

    assert client.shop(shop).display_name == "Boutique"
    assert client.shop(shop, min_revision=revision).display_name == "Just now"
    assert client.shop(shop[-8:], min_revision=revision).display_name == "Just now"


def test_other_companies_shops_and_unknown_ones_are_the_same_answer(suite: Suite) -> None:
    company, other = suite.open_company(), suite.open_company()
    shop = suite.open_shop(company)
    client = live(suite.client())
    for name in (f"{other}/shops/{shop[-8:]}", f"{company}/shops/00000000", "00000000"):
        with pytest.raises(NotFound):
            client.shop(name)


@pytest.mark.parametrize("shop", ["", "1234567", "123456789", "١٢٣٤٥٦٧٨", "companies/x/shops/12345678\n"])
def test_what_is_no_shops_name_is_refused_by_name(suite: Suite, shop: str) -> None:
    client = suite.client(calls=False, feeds=False)
    with pytest.raises(Invalid) as refused:
        client.shop(shop)
    assert [violation.field for violation in refused.value.violations] == ["shop"]


def test_it_answers_while_the_feed_is_away_and_says_how_old_that_is(suite: Suite) -> None:
    shop = suite.open_shop(suite.open_company())
    client = live(suite.client())
    suite.stop_feed()
    until(lambda: client.replica.state is State.STALE, "silence is noticed")
    assert client.shop(shop).display_name == "Boutique"
    assert 0 < client.replica.shops.staleness_seconds < float("inf")

    suite.update(shop, display_name="Meanwhile")
    suite.restart_feed()
    settled(client, shop, "Meanwhile")
    live(client)


def test_a_restart_with_everything_down_begins_where_it_ended(suite: Suite, tmp_path: Path) -> None:
    company = suite.open_company()
    shop = suite.open_shop(company)
    live(suite.client(tmp_path)).close()
    client = suite.client(tmp_path, calls=False, feeds=False)

    assert client.shop(shop).display_name == "Boutique"
    assert client.company(company).name == company
    with pytest.raises(Unavailable):
        client.sign_form(shop, {"vads_ctx_mode": "TEST"})


def test_a_restart_goes_on_from_its_cursor(suite: Suite, tmp_path: Path) -> None:
    shop = suite.open_shop(suite.open_company())
    live(suite.client(tmp_path)).close()
    suite.update(shop, display_name="Meanwhile")
    heard: list[Change | Renewed] = []
    client = suite.client(tmp_path, listener=heard.append)
    settled(client, shop, "Meanwhile")
    live(client)

    assert [each.resource for each in heard if isinstance(each, Change)] == [shop]
    assert [each for each in heard if isinstance(each, Renewed)] == []


def test_a_cursor_of_another_service_begins_anew(suite: Suite, tmp_path: Path) -> None:
    shop = suite.open_shop(suite.open_company())
    live(suite.client(tmp_path)).close()
    suite.update(shop, display_name="Meanwhile")
    heard: list[Change | Renewed] = []
    client = suite.client(tmp_path, service="mailer", listener=heard.append)
    settled(client, shop, "Meanwhile")

    assert Renewed("shop") in heard


def test_what_was_compacted_while_it_was_away_is_told_anew(suite: Suite, tmp_path: Path) -> None:
    shop = suite.open_shop(suite.open_company())
    live(suite.client(tmp_path)).close()
    suite.update(shop, display_name="Forgotten")
    suite.compact()
    heard: list[Change | Renewed] = []
    client = suite.client(tmp_path, listener=heard.append)
    settled(client, shop, "Forgotten")
    live(client)

    assert Renewed("shop") in heard
    suite.update(shop, display_name="After")
    settled(client, shop, "After")


def test_rules_are_resolved_without_a_call_in_the_companys_zone(suite: Suite) -> None:
    shop = suite.open_shop(suite.open_company("Pacific/Noumea"), capture_delay_days=2)
    client = live(suite.client(calls=False))
    # Half past midnight of the 11th in Nouméa.
    made = datetime(2026, 3, 10, 13, 30, tzinfo=UTC)
    found = client.resolve_rules(shop, Transaction(made, Source.FORM, 5124, "978", brand="CB"))

    assert found.capture_date.value == date(2026, 3, 13)
    assert found.validation_mode.value is ValidationMode.AUTOMATIC
    with pytest.raises(BadFact):
        client.resolve_rules(shop, Transaction(made, Source.FORM, 5124, "978", instalments="MULTI:"))


def test_forms_are_signed_and_judged_by_the_service(suite: Suite) -> None:
    shop = suite.open_shop(suite.open_company())
    suite.import_key(shop, "form-test", "1122334455667788")
    client = live(suite.client())
    fields = {"vads_ctx_mode": "TEST", "vads_amount": "5124", "vads_site_id": shop[-8:]}
    signed = client.sign_form(shop, fields)
    assert (signed.algorithm, signed.environment) == (SignatureAlgorithm.HMAC_SHA_256, Environment.TEST)

    right = client.verify_form(shop[-8:], fields, signed.signature)
    wrong = client.verify_form(shop, {**fields, "vads_amount": "1"}, signed.signature)
    assert (right.valid, right.cause, right.shop) == (True, Cause.NONE, shop)
    assert (wrong.valid, wrong.cause) == (False, Cause.UNKNOWN)
    assert client.verify_form(shop, list(fields.items()), signed.signature).valid


def test_answers_and_credentials_are_judged_by_the_service(suite: Suite) -> None:
    shop = suite.open_shop(suite.open_company())
    suite.import_key(shop, "hmac-test", "38453613e7f44dc58732bad3dca2bca3")
    password = "testpassword_DEMOPRIVATEKEY23G4475zXZQ2UA5x7M"
    suite.import_key(shop, "rest-password-test", password)
    client = suite.client()
    answer = '{"mode":"TEST"}'
    signed = client.sign_answer(shop, Environment.TEST, answer, "sha256_hmac")

    judged = client.verify_answer(shop, answer, signed.kr_hash, "sha256_hmac", signed.kr_hash_algorithm)
    assert (judged.valid, judged.environment, judged.key) == (
        True,
        Environment.TEST,
        f"{shop}/keys/hmac-test",
    )
    opened = client.verify_credentials(shop[-8:], password)
    assert (opened.valid, opened.shop, opened.environment) == (True, shop, Environment.TEST)
    assert not client.verify_credentials(shop[-8:], f"{password}x").valid


def test_what_the_service_refuses_names_the_field(suite: Suite) -> None:
    shop = suite.open_shop(suite.open_company())
    with pytest.raises(Invalid) as refused:
        suite.client().sign_form(shop, {"vads_ctx_mode": "SOMETIMES"})
    assert [violation.field for violation in refused.value.violations] == ["fields[vads_ctx_mode]"]
    assert refused.value.request_id


@pytest.mark.parametrize(
    ("field", "ask"),
    [
        ("password", lambda client, text: client.verify_credentials("69876357", text)),
        ("authorization", lambda client, text: client.verify_credentials(authorization=text)),
        ("fields", lambda client, text: client.sign_form("69876357", {"vads_order_id": text})),
        ("fields", lambda client, text: client.verify_form("69876357", {text: "1"}, "x")),
        (
            "received_fields",
            lambda client, text: client.verify_form("69876357", [("vads_amount", text)], "x"),
        ),
    ],
)
def test_text_that_cannot_be_sent_is_refused_by_name_and_not_repeated(
    suite: Suite, field: str, ask: Callable[[Comptoir, str], object]
) -> None:
    with pytest.raises(Invalid) as refused:
        ask(suite.client(), "made-up-secret\ud800")
    assert [found.field for found in refused.value.violations] == [field]
    assert refused.value.__context__ is None
    assert "made-up" not in str(refused.value)

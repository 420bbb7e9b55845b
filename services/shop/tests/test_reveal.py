"""A value leaves the vault in clear by one method, for the merchant who has just proved who they are (SH12)."""

from __future__ import annotations

import pytest
from psycopg import sql

from comptoir.shop.v1 import key_pb2
from services.chassis.errors import Denied, Fault, NotFound, Precondition, Unauthenticated
from services.shop.key_uses import Use, Uses
from services.shop.tests.counter import Counter

DEMO = "testpassword_DEMOPRIVATEKEY23G4475zXZQ2UA5x7M"


def test_what_is_revealed_is_the_value_that_signs_and_leaves_one_change(counter: Counter) -> None:
    shop = counter.opened()
    name = f"{shop}/keys/rest-password-test"
    request = {"name": name, "value": DEMO}
    counter.call("KeyService/ImportKey", key_pb2.Key, request, service="bootstrap")
    before = len(counter.changes(name))

    value = counter.revealed(shop, "rest-password-test")

    assert value == DEMO
    assert counter.changes(name)[before:] == [
        ("UPDATE", ["reveal_count", "reveal_time"], "users/userexample")
    ]
    after = counter.key(shop, "rest-password-test")
    assert after.reveal_count == 1
    assert after.reveal_time.seconds == int(counter.clock().timestamp())


def test_two_at_the_same_instant_leave_a_change_each(counter: Counter) -> None:
    shop = counter.opened()
    before = len(counter.changes(f"{shop}/keys/form-test"))

    assert counter.revealed(shop, "form-test") == counter.revealed(shop, "form-test")
    assert len(counter.changes(f"{shop}/keys/form-test")) == before + 2


def test_no_change_and_no_log_of_the_service_holds_a_revealed_value(
    counter: Counter, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = counter.opened()
    value = counter.revealed(shop, "hmac-test")
    found = []
    with counter.running.database.administrator() as db:
        for (table,) in db.execute("select tablename from pg_tables where schemaname = 'public'").fetchall():
            rows = sql.SQL("select 1 from {} t where t::text like {}").format(
                sql.Identifier(table), sql.Literal(f"%{value}%")
            )
            found += [table for _ in db.execute(rows)]

    assert found == []
    captured = capsys.readouterr()
    assert value not in captured.out + captured.err


@pytest.mark.parametrize("role", ["developer", "accountant", "reader"])
def test_only_owners_and_administrators_may(counter: Counter, role: str) -> None:
    shop = counter.opened()
    with pytest.raises(Denied) as refused:
        counter.revealed(shop, "form-test", counter.token(role=role))

    assert refused.value.metadata["permission"] == "shop.keys.reveal"
    assert counter.revealed(shop, "form-test", counter.token(role="administrator"))


def test_an_operator_may_not_and_another_company_sees_nothing(counter: Counter) -> None:
    shop = counter.opened(company="victim")
    with pytest.raises(Denied):
        counter.revealed(shop, "form-test", counter.operator())
    with pytest.raises(NotFound):
        counter.revealed(shop, "form-test")


def test_an_old_proof_is_asked_for_again(counter: Counter) -> None:
    shop = counter.opened()
    old = counter.token(auth_time=int(counter.clock().timestamp()) - 301)
    with pytest.raises(Unauthenticated) as refused:
        counter.revealed(shop, "form-test", old)

    assert refused.value.reason == "INSUFFICIENT_USER_AUTHENTICATION"
    assert counter.changes(f"{shop}/keys/form-test")[-1][0] == "CREATE"


def test_the_production_password_is_locked_by_the_first_production_payment(counter: Counter) -> None:
    shop = counter.opened(ready=True)
    for key in ("rest-password-production", "hmac-production"):
        counter.act("GenerateProductionKey", shop, key)
    before = counter.revealed(shop, "rest-password-production")
    counter.paid(shop)

    with pytest.raises(Precondition) as refused:
        counter.revealed(shop, "rest-password-production")

    assert before.startswith("prodpassword_")
    assert refused.value.reason == "NOT_REVEALABLE"
    assert not counter.key(shop, "rest-password-production").revealable
    assert counter.key(shop, "hmac-production").revealable
    assert counter.revealed(shop, "hmac-production")


def test_a_value_shown_is_not_shown_again_by_repeating_the_request(counter: Counter) -> None:
    shop = counter.opened()
    request = key_pb2.RevealKeyRequest(name=f"{shop}/keys/form-test")

    def ask() -> key_pb2.RevealedKey:
        return counter.running.call(
            "KeyService/RevealKey",
            request,
            key_pb2.RevealedKey,
            token=counter.token(),
            metadata={"idempotency-key": "once"},
        )

    assert ask().value
    with pytest.raises(Precondition) as refused:
        ask()
    assert refused.value.reason == "IDEMPOTENCY_REPLY_NOT_KEPT"
    assert counter.key(shop, "form-test").reveal_count == 1


def test_a_password_generated_after_the_first_payment_is_seen_until_it_opens_the_api(
    counter: Counter,
) -> None:
    shop, key = counter.opened(ready=True), "rest-password-production"
    counter.act("GenerateProductionKey", shop, key)
    counter.paid(shop)
    counter.clock.forward(days=2)
    counter.act("GenerateProductionKey", shop, key)

    seen = counter.key(shop, key).revealable
    value = counter.revealed(shop, key)
    uses = Uses(counter.running.resources.database)
    uses.count(Use("acme", shop[-8:], key, 2, "payment-engine/answer"), counter.clock())
    uses.write()
    signed_with = counter.key(shop, key).revealable
    uses.count(Use("acme", shop[-8:], key, 2, "payment-engine/credentials"), counter.clock())
    uses.write()
    with pytest.raises(Precondition) as refused:
        counter.revealed(shop, key)

    assert value.startswith("prodpassword_")
    assert (seen, signed_with, counter.key(shop, key).revealable) == (True, True, False)
    assert refused.value.reason == "NOT_REVEALABLE"


def test_what_is_not_there_or_public_is_not_revealed(counter: Counter) -> None:
    shop, reasons = counter.opened(), []
    for key in ("form-production", "public-test"):
        with pytest.raises(Precondition) as refused:
            counter.revealed(shop, key)
        reasons.append(refused.value.reason)

    assert reasons == ["KEY_NOT_GENERATED", "NOT_REVEALABLE"]


@pytest.mark.parametrize("key", ["form-tests", "form-", "form_test"])
def test_there_are_no_other_keys(counter: Counter, key: str) -> None:
    with pytest.raises(Fault) as refused:
        counter.revealed(counter.opened(), key)

    assert refused.value.http.value in (400, 404)

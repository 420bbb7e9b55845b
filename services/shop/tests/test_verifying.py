"""Signing and verifying over the wire: by public id, for several shops at once, from memory (SH11, SH12)."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from comptoir.shop.v1 import key_pb2, shop_pb2, signature_pb2
from services.chassis.cache import ReplyCache
from services.chassis.errors import Denied, Invalid, NotFound, Precondition
from services.chassis.testing.running import Running
from services.chassis.testing.transactions import begins_none
from services.chassis.testing.waiting import until
from services.shop.keys import KINDS, KeyRing
from services.shop.opened_keys import OpenedKeys
from services.shop.service import SHOP
from services.shop.tests.shops_of_keys import DEMO, FORM

ENGINE = "payment-engine"
TEST_KEYS = ("form-test", "rest-password-test", "hmac-test")
ANSWER = '{"orderStatus":"PAID","orderDetails":{"mode":"TEST"}}'


@pytest.fixture(scope="module")
def shop(run_service: Callable[..., Running]) -> Running:
    return run_service(SHOP)


@pytest.fixture(scope="module")
def other(shop: Running, certificates: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Another process of the same service, as far as memory goes: it shares the database and the KEK alone."""
    directory = tmp_path_factory.mktemp("other")
    running = Running(SHOP, shop.database, certificates, directory, kek_file=shop.settings.kek_file)
    yield running
    running.stop()


def opened(shop: Running, company: str = "acme") -> str:
    """The name of a new shop with the demo keys of TEST."""
    request = shop_pb2.CreateShopRequest(
        parent=f"companies/{company}", shop=shop_pb2.Shop(display_name="Boutique")
    )
    name = shop.call("ShopService/CreateShop", request, shop_pb2.Shop, service="bootstrap").name
    for key in TEST_KEYS:
        imported = key_pb2.ImportKeyRequest(name=f"{name}/keys/{key}", value=DEMO[key])
        shop.call("KeyService/ImportKey", imported, key_pb2.Key, service="bootstrap")
    return name


def public(name: str) -> str:
    return f"companies/-/shops/{name.rpartition('/')[2]}"


def fields(name: str) -> dict[str, str]:
    return {**FORM, "vads_site_id": name.rpartition("/")[2]}


def signed(shop: Running, name: str) -> str:
    request = signature_pb2.SignFormRequest(shop=public(name), fields=fields(name))
    return shop.call(
        "SignatureService/SignForm", request, signature_pb2.SignFormResponse, service=ENGINE
    ).signature


def form(name: str, signature: str) -> signature_pb2.VerifyFormRequest:
    return signature_pb2.VerifyFormRequest(shop=public(name), fields=fields(name), signature=signature)


def verified(shop: Running, name: str, signature: str) -> signature_pb2.Verdict:
    return shop.call(
        "SignatureService/VerifyForm", form(name, signature), signature_pb2.Verdict, service=ENGINE
    )


def is_refused(shop: Running, name: str, signature: str) -> bool:
    return not verified(shop, name, signature).valid


def regenerate(shop: Running, name: str, key: str = "form-test") -> None:
    request = key_pb2.RegenerateTestKeyRequest(name=f"{name}/keys/{key}")
    shop.call("KeyService/RegenerateTestKey", request, key_pb2.Key, token=shop.mint.token())


def test_what_was_signed_verifies_and_the_verdict_names_the_key(shop: Running) -> None:
    name = opened(shop)

    found = verified(shop, name, signed(shop, name))

    key = key_pb2.GetKeyRequest(name=f"{name}/keys/form-test")
    shown = shop.call("KeyService/GetKey", key, key_pb2.Key, token=shop.mint.token())
    assert found == signature_pb2.Verdict(
        valid=True,
        shop=name,
        key=shown.name,
        check_value=shown.check_value,
        environment=key_pb2.ENVIRONMENT_TEST,
        value_state=key_pb2.KEY_VALUE_STATE_CURRENT,
    )


@pytest.mark.parametrize("hash_key", ["password", "sha256_hmac"])
def test_an_answer_that_was_signed_verifies_in_its_own_environment_alone(
    shop: Running, hash_key: str
) -> None:
    name = opened(shop)
    request = signature_pb2.SignAnswerRequest(
        shop=public(name),
        environment=key_pb2.ENVIRONMENT_TEST,
        kr_answer=ANSWER,
        kr_hash_key=hash_key,
    )
    answer = shop.call(
        "SignatureService/SignAnswer", request, signature_pb2.SignAnswerResponse, service=ENGINE
    )
    asked = signature_pb2.VerifyAnswerRequest(
        shop=public(name),
        kr_answer=ANSWER,
        kr_hash=answer.kr_hash,
        kr_hash_key=hash_key,
        kr_hash_algorithm=answer.kr_hash_algorithm,
    )
    right = shop.call("SignatureService/VerifyAnswer", asked, signature_pb2.Verdict, service=ENGINE)
    asked.environment = key_pb2.ENVIRONMENT_PRODUCTION
    wrong = shop.call("SignatureService/VerifyAnswer", asked, signature_pb2.Verdict, service=ENGINE)
    request.environment = key_pb2.ENVIRONMENT_PRODUCTION
    with pytest.raises(Invalid) as refused:
        shop.call("SignatureService/SignAnswer", request, signature_pb2.SignAnswerResponse, service=ENGINE)

    assert (right.valid, right.environment) == (True, key_pb2.ENVIRONMENT_TEST)
    assert (wrong.valid, wrong.cause) == (False, signature_pb2.CAUSE_OTHER_ENVIRONMENT)
    assert [violation.field for violation in refused.value.violations] == ["environment"]


def test_credentials_open_their_shop_by_password_or_by_header(shop: Running) -> None:
    name = opened(shop)
    user, password = name.rpartition("/")[2], DEMO["rest-password-test"]
    basic = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    def ask(**given: str) -> signature_pb2.Verdict:
        request = signature_pb2.VerifyCredentialsRequest(**given)
        return shop.call("SignatureService/VerifyCredentials", request, signature_pb2.Verdict, service=ENGINE)

    assert ask(user=user, password=password) == ask(authorization=basic)
    assert (True, name) == (ask(authorization=basic).valid, ask(authorization=basic).shop)
    assert ask(user=user, password="x").cause == signature_pb2.CAUSE_UNKNOWN
    assert ask(user="00000000", password=password).cause == signature_pb2.CAUSE_UNKNOWN_SHOP
    for malformed in (
        {},
        {"user": user},
        {"authorization": "Basic !"},
        {"user": user, "authorization": basic},
    ):
        assert ask(**malformed).cause == signature_pb2.CAUSE_MALFORMED_CREDENTIALS


def test_a_batch_gives_one_verdict_each_in_order_whatever_befalls_the_others(shop: Running) -> None:
    ours, theirs = opened(shop), opened(shop, "victim")
    right = form(ours, signed(shop, ours))
    foreign = signature_pb2.VerifyFormRequest()
    foreign.CopyFrom(right)
    foreign.shop = ours.replace("acme", "victim")
    nowhere = signature_pb2.VerifyAnswerRequest(shop="nonsense", kr_hash="x")
    verifications = [
        signature_pb2.Verification(form=right),
        signature_pb2.Verification(form=foreign),
        signature_pb2.Verification(form=form(theirs, signed(shop, theirs))),
        signature_pb2.Verification(answer=nowhere),
        signature_pb2.Verification(credentials=signature_pb2.VerifyCredentialsRequest()),
        signature_pb2.Verification(form=form(theirs, right.signature[:-1])),
    ]

    batch = signature_pb2.BatchVerifyRequest(verifications=verifications)
    answer = shop.call(
        "SignatureService/BatchVerify", batch, signature_pb2.BatchVerifyResponse, service=ENGINE
    )

    assert [
        (each.valid, signature_pb2.Cause.Name(each.cause)[6:], each.shop) for each in answer.verdicts
    ] == [
        (True, "UNSPECIFIED", ours),
        (False, "UNKNOWN_SHOP", ""),
        (True, "UNSPECIFIED", theirs),
        (False, "UNKNOWN_SHOP", ""),
        (False, "MALFORMED_CREDENTIALS", ""),
        (False, "UNKNOWN", theirs),
    ]


def test_a_batch_of_more_than_it_may_hold_isis_refused_naming_the_field(shop: Running) -> None:
    one = signature_pb2.Verification(credentials=signature_pb2.VerifyCredentialsRequest(user="x"))
    with pytest.raises(Invalid) as refused:
        shop.call(
            "SignatureService/BatchVerify",
            signature_pb2.BatchVerifyRequest(verifications=[one] * 501),
            signature_pb2.BatchVerifyResponse,
            service=ENGINE,
        )

    assert [violation.field for violation in refused.value.violations] == ["verifications"]


def test_merchants_judge_forms_of_their_own_shops_alone(shop: Running) -> None:
    name = opened(shop)
    request = form(name, signed(shop, name)[:-1])
    request.shop = name

    def ask(**claims: Any) -> signature_pb2.Verdict:
        token = shop.mint.token(**claims)
        return shop.call("SignatureService/VerifyForm", request, signature_pb2.Verdict, token=token)

    assert ask(role="developer").cause == signature_pb2.CAUSE_TRUNCATED
    with pytest.raises(Denied):
        ask(role="reader")
    with pytest.raises(NotFound) as foreign:
        ask(company="victim")
    request.shop = "companies/acme/shops/00000000"
    with pytest.raises(NotFound) as unknown:
        ask()
    assert unknown.value.message == foreign.value.message.replace(name, request.shop)


def test_a_shop_under_another_companys_name_is_unknown_even_when_it_is_in_memory(shop: Running) -> None:
    name = opened(shop)
    request = form(name, signed(shop, name))
    request.shop = name.replace("acme", "victim")

    with pytest.raises(NotFound):
        shop.call("SignatureService/VerifyForm", request, signature_pb2.Verdict, service=ENGINE)


def test_a_key_that_is_not_there_is_a_verdict_and_a_refusal_to_sign(shop: Running) -> None:
    name = opened(shop)
    request = form(name, "x")
    request.fields["vads_ctx_mode"] = "PRODUCTION"
    found = shop.call("SignatureService/VerifyForm", request, signature_pb2.Verdict, service=ENGINE)
    with pytest.raises(Precondition) as refused:
        shop.call(
            "SignatureService/SignForm",
            signature_pb2.SignFormRequest(shop=public(name), fields=request.fields),
            signature_pb2.SignFormResponse,
            service=ENGINE,
        )

    assert found.cause == signature_pb2.CAUSE_KEY_NOT_GENERATED
    assert refused.value.reason == "KEY_NOT_GENERATED"


def test_a_warm_verification_asks_no_database(shop: Running) -> None:
    name = opened(shop)
    signature = signed(shop, name)

    until(lambda: begins_none(shop, lambda: verified(shop, name, signature)), "the key is in memory")
    assert verified(shop, name, signature).valid


def test_a_new_key_counts_at_once_where_it_was_made_and_soon_everywhere(
    shop: Running, other: Running
) -> None:
    name = opened(shop)
    for _ in range(10):
        former = signed(other, name)
        assert verified(shop, name, former).valid

        regenerate(shop, name)

        assert not verified(shop, name, former).valid
        until(partial(is_refused, other, name, former), "the other process forgot")
        assert verified(shop, name, signed(other, name)).valid


def test_another_algorithm_of_the_shop_counts_at_once_and_soon_everywhere(
    shop: Running, other: Running
) -> None:
    name = opened(shop)
    former = signed(other, name)
    sha_1 = shop_pb2.Shop(name=name, signature_algorithm=shop_pb2.SIGNATURE_ALGORITHM_SHA_1)
    mask = FieldMask(paths=["signature_algorithm"])
    update = shop_pb2.UpdateShopRequest(shop=sha_1, update_mask=mask)
    shop.call("ShopService/UpdateShop", update, shop_pb2.Shop, token=shop.mint.token())

    assert verified(shop, name, former).cause == signature_pb2.CAUSE_WRONG_ALGORITHM
    until(partial(is_refused, other, name, former), "the other process forgot")
    assert len(signed(other, name)) == 40


def test_no_plaintext_of_a_key_shows_in_what_is_kept(shop: Running) -> None:
    name = opened(shop)
    cache = ReplyCache(shop.settings.database_url, "shop")
    keys = OpenedKeys(shop.resources.database, KeyRing(shop.resources.vault), cache)

    def kept() -> str:
        keys.of("-", name.rpartition("/")[2]).values(KINDS["form-test"])
        shown = repr(cache._entries)
        return shown if "KeyValue" in shown else ""

    shown = until(kept, "the key is in memory")
    cache.close()

    assert DEMO["form-test"] not in shown
    assert cache._entries == {}


def test_uses_are_counted_by_integration_and_written_when_the_service_stops(
    shop: Running, certificates: Path, tmp_path: Path
) -> None:
    ending = Running(SHOP, shop.database, certificates, tmp_path, kek_file=shop.settings.kek_file)
    name = opened(shop)
    signature = signed(shop, name)
    for service in (ENGINE, ENGINE, "payment-pages"):
        request = form(name, signature)
        ending.call("SignatureService/VerifyForm", request, signature_pb2.Verdict, service=service)
    request.shop = name
    ending.call("SignatureService/VerifyForm", request, signature_pb2.Verdict, token=ending.mint.token())
    verified(ending, name, "wrong")
    ending.stop()

    with shop.database.administrator() as connection:
        rows = connection.execute(
            "select key_id, generation, integration, count from shop_key_uses"
            " where shop_id = %s and integration like '%%/form' order by integration",
            (name.rpartition("/")[2],),
        ).fetchall()
    assert rows == [
        ("form-test", 2, "payment-engine/form", 2),
        ("form-test", 2, "payment-pages/form", 1),
    ]

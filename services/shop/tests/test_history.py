"""The history of a shop (SH13), its keys included: for those whose rights reach it, and with no secret in it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.api import httpbody_pb2
from google.protobuf.field_mask_pb2 import FieldMask

from comptoir.changes.v1 import change_pb2
from comptoir.shop.v1 import key_pb2, shop_pb2
from services.chassis.errors import Denied, Invalid, NotFound, Precondition
from services.chassis.testing.running import Running
from services.shop.service import SHOP

Shop = shop_pb2.Shop
Page = shop_pb2.ListShopChangesResponse


@pytest.fixture(scope="module")
def shop(run_service: Callable[..., Running]) -> Running:
    return run_service(SHOP)


def opened(shop: Running, company: str = "acme") -> str:
    request = shop_pb2.CreateShopRequest(
        parent=f"companies/{company}", shop=Shop(display_name="Boutique du port")
    )
    return shop.call("ShopService/CreateShop", request, Shop, service="bootstrap").name


def update(shop: Running, name: str, **values: Any) -> shop_pb2.Shop:
    request = shop_pb2.UpdateShopRequest(
        shop=Shop(name=name, **values), update_mask=FieldMask(paths=list(values))
    )
    token = shop.mint.token(company=name.split("/")[1])
    return shop.call("ShopService/UpdateShop", request, Shop, token=token)


def regenerate(shop: Running, name: str, **options: Any) -> key_pb2.Key:
    request = key_pb2.RegenerateTestKeyRequest(name=f"{name}/keys/form-test", **options)
    return shop.call("KeyService/RegenerateTestKey", request, key_pb2.Key, token=shop.mint.token())


def page(shop: Running, parent: str, token: str | None = None, **asked: Any) -> Page:
    request = shop_pb2.ListShopChangesRequest(parent=parent, **asked)
    return shop.call("ShopService/ListShopChanges", request, Page, token=token or shop.mint.token())


def change(shop: Running, name: str, token: str | None = None) -> change_pb2.Change:
    request = shop_pb2.GetShopChangeRequest(name=name)
    token = token or shop.mint.token()
    return shop.call("ShopService/GetShopChange", request, change_pb2.Change, token=token)


def revert(shop: Running, name: str, token: str | None = None, **options: Any) -> shop_pb2.Shop:
    request = shop_pb2.RevertShopChangeRequest(name=name, **options)
    return shop.call("ShopService/RevertShopChange", request, Shop, token=token or shop.mint.token())


def get(shop: Running, name: str, read_time: datetime | None = None, **caller: Any) -> shop_pb2.Shop:
    request = shop_pb2.GetShopRequest(name=name)
    if read_time is not None:
        request.read_time.FromDatetime(read_time)
    return shop.call("ShopService/GetShop", request, Shop, **(caller or {"token": shop.mint.token()}))


def test_the_history_of_a_shop_holds_the_changes_of_its_keys(shop: Running) -> None:
    name = opened(shop)
    regenerate(shop, name)
    found = page(shop, name).changes

    assert [(each.resource.removeprefix(name), each.action) for each in found] == [
        ("/keys/form-test", change_pb2.ACTION_UPDATE),
        *(
            (f"/keys/{key}-test", change_pb2.ACTION_CREATE)
            for key in ("hmac", "public", "rest-password", "form")
        ),
        ("", change_pb2.ACTION_CREATE),
    ]
    assert all(each.name == f"{name}/changes/{each.sequence}" for each in found)
    assert change(shop, found[0].name) == found[0]


def test_no_secret_is_in_a_history_nor_in_a_file_of_it(shop: Running) -> None:
    name, secret = opened(shop), "7744556611223300"
    request = key_pb2.ImportKeyRequest(name=f"{name}/keys/form-test", value=secret)
    shop.call("KeyService/ImportKey", request, key_pb2.Key, service="bootstrap")
    newest = page(shop, name).changes[0]

    assert {"sealed", "generation"} & {*newest.fields, *newest.before, *newest.after} == set()
    assert {"check_value", "generate_time"} <= set(newest.fields)
    for form in (change_pb2.EXPORT_FORMAT_CSV, change_pb2.EXPORT_FORMAT_NDJSON):
        asked = shop_pb2.ExportShopChangesRequest(parent=name, format=form)
        body = shop.call(
            "ShopService/ExportShopChanges", asked, httpbody_pb2.HttpBody, token=shop.mint.token()
        )
        assert secret.encode() not in body.data
        assert b"sealed" not in body.data


def test_moving_and_finishing_an_overlap_is_told_from_which_end_to_which(shop: Running) -> None:
    name, day = opened(shop), timedelta(days=1)
    regenerate(shop, name, overlap=day)
    moved = key_pb2.ExtendOverlapRequest(name=f"{name}/keys/form-test")
    moved.expire_time.FromDatetime(datetime.now(UTC) + 2 * day)
    shop.call("KeyService/ExtendOverlap", moved, key_pb2.Key, token=shop.mint.token())
    finish = key_pb2.FinishOverlapRequest(name=f"{name}/keys/form-test")
    shop.call("KeyService/FinishOverlap", finish, key_pb2.Key, token=shop.mint.token())

    finished, extended, rotated = page(shop, name).changes[:3]
    ends = [each.after["former.expire_time"] for each in (rotated, extended)]
    assert [list(each.fields) for each in (extended, finished)] == [["former.expire_time"]] * 2
    assert datetime.fromisoformat(str(ends[1])) == moved.expire_time.ToDatetime(UTC)
    assert [each.before["former.expire_time"] for each in (extended, finished)] == ends
    assert finished.after["former.expire_time"] is None
    assert finished.method == "/comptoir.shop.v1.KeyService/FinishOverlap"


def test_shops_of_one_company_have_each_their_history(shop: Running) -> None:
    one, other = opened(shop), opened(shop)
    update(shop, one, display_name="Une")
    update(shop, other, display_name="Autre")
    update(shop, one, display_name="Encore une")
    sequences = [each.sequence for each in page(shop, one).changes]

    assert len(sequences) == 7
    assert {each.name.rpartition("/changes/")[0] for each in page(shop, other).changes} == {other}
    with pytest.raises(NotFound):
        change(shop, f"{other}/changes/{sequences[0]}")


def test_the_wildcard_reads_every_shop_of_the_company_for_those_who_reach_all(shop: Running) -> None:
    one, other = opened(shop, "wild"), opened(shop, "wild")
    token = shop.mint.token(company="wild")
    found = page(shop, "companies/wild/shops/-", token=token, page_size=100).changes

    assert [each.sequence for each in found] == list(range(10, 0, -1))
    assert {each.name.rpartition("/changes/")[0] for each in found} == {one, other}
    some = shop.mint.token(company="wild", sub="clerk", shops=[one.rpartition("/")[2]])
    with pytest.raises(NotFound):
        page(shop, "companies/wild/shops/-", token=some)
    assert page(shop, "companies/empty/shops/-", token=shop.mint.token(company="empty")) == Page()


def test_the_wildcard_stands_for_many_and_for_nothing_else(shop: Running) -> None:
    token = shop.mint.token()
    for act in (
        lambda: change(shop, "companies/acme/shops/-/changes/1"),
        lambda: revert(shop, "companies/acme/shops/-/changes/1"),
        lambda: get(shop, "companies/acme/shops/-"),
    ):
        with pytest.raises(Invalid):
            act()
    with pytest.raises(NotFound):
        page(shop, "companies/-/shops/-", token=token)


def test_a_token_of_some_shops_reads_no_history_of_the_others(shop: Running) -> None:
    one, other = opened(shop), opened(shop)
    update(shop, other, display_name="Autre")
    theirs = page(shop, other).changes[0].name
    token = shop.mint.token(sub="clerk", shops=[one.rpartition("/")[2]])

    assert len(page(shop, one, token=token).changes) == 5
    for act in (
        lambda: page(shop, other, token=token),
        lambda: change(shop, theirs, token=token),
        lambda: change(shop, theirs.replace(other, one), token=token),
        lambda: revert(shop, theirs, token=token),
        lambda: revert(shop, theirs.replace(other, one), token=token),
        lambda: get(shop, other, datetime.now(UTC) - timedelta(days=1), token=token),
    ):
        with pytest.raises(NotFound):
            act()


def test_another_companys_changes_are_unknown_under_any_name(shop: Running) -> None:
    theirs, ours = opened(shop, "victim"), opened(shop)
    number = page(shop, theirs, token=shop.mint.token(company="victim")).changes[0].sequence
    public_id = theirs.rpartition("/")[2]
    for name in (theirs, f"companies/acme/shops/{public_id}", ours, "companies/acme/shops/00000000"):
        with pytest.raises(NotFound):
            change(shop, f"{name}/changes/{number + 1000}")
    for name in (theirs, f"companies/acme/shops/{public_id}", "companies/acme/shops/00000000"):
        with pytest.raises(NotFound):
            page(shop, name)
        with pytest.raises(NotFound):
            change(shop, f"{name}/changes/{number}")


def test_a_developer_changes_settings_and_neither_reads_nor_reverts(shop: Running) -> None:
    name = opened(shop)
    update(shop, name, display_name="Une")
    newest, token = page(shop, name).changes[0].name, shop.mint.token(sub="developer", role="developer")
    for act in (lambda: page(shop, name, token=token), lambda: revert(shop, newest, token=token)):
        with pytest.raises(Denied) as refused:
            act()
        assert refused.value.metadata == {"permission": "shop.history.read"}


def test_what_was_is_neither_answered_from_memory_nor_kept_there(shop: Running) -> None:
    name = opened(shop)
    first = update(shop, name, display_name="Une", extra_attempts=0, notify_refused_attempts=True)
    second = update(shop, name, display_name="Autre", capture_delay_days=7, extra_attempts=2)
    assert get(shop, name) == second

    stood = get(shop, name, first.update_time.ToDatetime(UTC))

    assert (stood.display_name, stood.capture_delay_days, stood.extra_attempts) == ("Une", 0, 0)
    assert stood.update_time == first.update_time
    assert stood.etag == ""
    assert get(shop, name) == second
    with pytest.raises(Denied):
        get(shop, "companies/-/shops/" + name[-8:], datetime.now(UTC), service="payment-engine")


def test_reverting_a_setting_is_felt_by_whoever_reads_the_shop(shop: Running) -> None:
    name = opened(shop)
    before = update(shop, name, display_name="Une", validation_mode=shop_pb2.VALIDATION_MODE_MANUAL)
    update(shop, name, display_name="Autre", validation_mode=shop_pb2.VALIDATION_MODE_AUTOMATIC)
    get(shop, name)
    after = revert(shop, page(shop, name).changes[0].name)

    assert (after.display_name, after.validation_mode) == (before.display_name, before.validation_mode)
    assert get(shop, name) == after


def test_an_algorithm_is_changed_and_put_back_by_those_alone_who_manage_keys(shop: Running) -> None:
    name = opened(shop)
    update(shop, name, signature_algorithm=shop_pb2.SIGNATURE_ALGORITHM_SHA_1)
    newest = page(shop, name).changes[0].name
    narrow = shop.mint.token(scope="shop.settings.update shop.history.read")
    request = shop_pb2.UpdateShopRequest(
        shop=Shop(name=name, signature_algorithm=shop_pb2.SIGNATURE_ALGORITHM_HMAC_SHA_256)
    )

    with pytest.raises(Denied) as put_back:
        revert(shop, newest, token=narrow)
    with pytest.raises(Denied) as changed:
        shop.call("ShopService/UpdateShop", request, Shop, token=narrow)
    assert put_back.value.metadata == changed.value.metadata == {"scope": "shop.keys.manage"}
    assert get(shop, name).signature_algorithm == shop_pb2.SIGNATURE_ALGORITHM_SHA_1
    request.shop.ClearField("signature_algorithm")
    request.shop.display_name = "Autre"
    assert shop.call("ShopService/UpdateShop", request, Shop, token=narrow).display_name == "Autre"
    assert revert(shop, newest).signature_algorithm == shop_pb2.SIGNATURE_ALGORITHM_HMAC_SHA_256


def test_what_is_no_update_of_the_settings_is_not_reverted(shop: Running) -> None:
    name = opened(shop)
    regenerate(shop, name)
    for each in page(shop, name).changes:
        with pytest.raises(Precondition) as refused:
            revert(shop, each.name)
        assert refused.value.reason == "NOT_REVERTIBLE"

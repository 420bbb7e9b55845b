"""Whether a call may go on: company before rights, rights before anything about the request."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from comptoir.company.v1 import company_pb2
from comptoir.identity.v1 import user_pb2
from comptoir.shop.v1 import key_pb2, shop_pb2
from services.chassis.authorize import authorize
from services.chassis.caller import Caller, Kind
from services.chassis.errors import Denied, NotFound, Unauthenticated
from services.chassis.rights import PRESETS, RIGHTS, covered
from services.chassis.testing.running import METHODS

NOW = datetime(2026, 1, 2, tzinfo=UTC)
OWNER = Caller(
    Kind.MERCHANT,
    "ada",
    "gateway",
    company="acme",
    rights=PRESETS["owner"],
    scopes=frozenset({"shop", "company", "account"}),
    authenticated_at=NOW,
)
OPERATOR = replace(
    OWNER,
    kind=Kind.OPERATOR,
    company=None,
    rights=PRESETS["operator"],
    scopes=frozenset({"shop", "platform"}),
)
ENGINE = Caller(Kind.INTERNAL, "payment-engine", "payment-engine")
GET = METHODS["ShopService/GetShop"]
UPDATE = METHODS["ShopService/UpdateShop"]


def get(name: str) -> shop_pb2.GetShopRequest:
    return shop_pb2.GetShopRequest(name=name)


def test_a_merchants_company_comes_from_the_token() -> None:
    grant = authorize(OWNER, GET, get("companies/acme/shops/12345678"), NOW)

    assert grant.company == "acme"
    assert grant.ids == {"company": "acme", "shop": "12345678"}


@pytest.mark.parametrize("name", ["companies/victim/shops/12345678", "companies/-/shops/12345678"])
def test_a_foreign_company_is_unknown_even_to_one_without_rights(name: str) -> None:
    nobody = replace(OWNER, rights=frozenset())
    with pytest.raises(NotFound):
        authorize(nobody, GET, get(name), NOW)


def test_a_second_name_in_the_request_cannot_be_foreign_either() -> None:
    request = shop_pb2.CreateShopRequest(
        parent="companies/acme", shop=shop_pb2.Shop(name="companies/victim/shops/12345678")
    )
    merchant = replace(OWNER, rights=frozenset(RIGHTS))
    with pytest.raises((NotFound, Denied)):
        authorize(merchant, METHODS["ShopService/CreateShop"], request, NOW)


def test_a_shop_out_of_reach_is_unknown() -> None:
    limited = replace(OWNER, shops=frozenset({"11111111"}))
    with pytest.raises(NotFound):
        authorize(limited, GET, get("companies/acme/shops/12345678"), NOW)


def test_a_missing_right_is_named_before_the_request_is_judged() -> None:
    reader = replace(OWNER, rights=PRESETS["reader"])
    with pytest.raises(Denied) as refused:
        authorize(reader, UPDATE, shop_pb2.UpdateShopRequest(), NOW)

    assert refused.value.metadata == {"permission": "shop.settings.update"}


def test_a_right_beyond_the_applications_scopes_is_refused() -> None:
    narrow = replace(OWNER, scopes=frozenset({"shop.read"}))
    request = shop_pb2.UpdateShopRequest(shop=shop_pb2.Shop(name="companies/acme/shops/12345678"))
    with pytest.raises(Denied) as refused:
        authorize(narrow, UPDATE, request, NOW)

    assert refused.value.reason == "INSUFFICIENT_SCOPE"


def test_an_operator_names_any_company() -> None:
    assert authorize(OPERATOR, GET, get("companies/victim/shops/12345678"), NOW).company == "victim"


def test_an_internal_service_may_leave_the_company_out() -> None:
    assert authorize(ENGINE, GET, get("companies/-/shops/12345678"), NOW).company is None


def test_an_internal_service_is_no_merchant() -> None:
    with pytest.raises(Denied):
        authorize(ENGINE, UPDATE, shop_pb2.UpdateShopRequest(), NOW)


def test_nobody_is_asked_to_sign_in() -> None:
    with pytest.raises(Unauthenticated):
        authorize(Caller(Kind.ANONYMOUS, ""), GET, get("companies/acme/shops/12345678"), NOW)


def test_ones_own_account_is_the_only_one() -> None:
    method = METHODS["UserService/GetUser"]
    own = authorize(OWNER, method, user_pb2.GetUserRequest(name="users/ada"), NOW)
    with pytest.raises(NotFound):
        authorize(OWNER, method, user_pb2.GetUserRequest(name="users/bob"), NOW)

    assert own.user == "ada"
    assert own.company is None


def test_a_fresh_proof_is_at_most_five_minutes_old() -> None:
    method = METHODS["KeyService/ImportKey"]
    request = key_pb2.ImportKeyRequest(name="companies/acme/shops/12345678/keys/form-test")
    authorize(OPERATOR, method, request, NOW + timedelta(minutes=5))
    with pytest.raises(Unauthenticated) as refused:
        authorize(OPERATOR, method, request, NOW + timedelta(minutes=5, seconds=1))

    assert refused.value.reason == "INSUFFICIENT_USER_AUTHENTICATION"


def test_a_company_is_never_taken_from_the_request_for_a_merchant() -> None:
    request = company_pb2.GetCompanyRequest(name="companies/victim")
    with pytest.raises(NotFound):
        authorize(OWNER, METHODS["CompanyService/GetCompany"], request, NOW)


@pytest.mark.parametrize(
    ("right", "scopes", "expected"),
    [
        ("shop.read", {"shop"}, True),
        ("shop.keys.read", {"shop.keys"}, True),
        ("shop.keys.read", {"shop.keys.read"}, True),
        ("shop.read", {"sho"}, False),
        ("shop.read", {"shop.read.more"}, False),
        ("shop.read", set(), False),
    ],
)
def test_a_scope_covers_what_it_begins_up_to_a_dot(right: str, scopes: set[str], expected: bool) -> None:
    assert covered(right, frozenset(scopes)) == expected

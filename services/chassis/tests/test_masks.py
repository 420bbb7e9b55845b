"""Field masks: what they may touch, and what an update without one means (AIP-134)."""

from __future__ import annotations

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from comptoir.company.v1 import company_pb2
from comptoir.shop.v1 import shop_pb2
from services.chassis.caller import Caller, Kind
from services.chassis.errors import Invalid
from services.chassis.masks import merge, paths_to_update
from services.chassis.testing.running import METHODS
from services.chassis.validate import validate

MERCHANT = Caller(Kind.MERCHANT, "ada", company="acme")
NAME = "companies/acme/shops/12345678"
UPDATE_SHOP, UPDATE_COMPANY = METHODS["ShopService/UpdateShop"], METHODS["CompanyService/UpdateCompany"]
CORRECT = METHODS["CompanyService/CorrectCompany"]


def broken(paths: list[str], **shop: object) -> list[str]:
    """Descriptions of what is wrong with an update of these paths."""
    request = shop_pb2.UpdateShopRequest(
        shop=shop_pb2.Shop(name=NAME, **shop),  # type: ignore[arg-type]
        update_mask=FieldMask(paths=paths),
    )
    with pytest.raises(Invalid) as refused:
        validate(UPDATE_SHOP, request, MERCHANT)
    return [violation.description for violation in refused.value.violations]


@pytest.mark.parametrize("path", ["name", "state", "create_time", "etag"])
def test_what_only_the_service_writes_is_refused_by_name(path: str) -> None:
    assert broken([path]) == [f"names '{path}', which cannot be changed"]


@pytest.mark.parametrize("path", ["nom", "display_name.x", "", "display_name.", "*"])
def test_what_is_no_field_is_refused_by_name(path: str) -> None:
    assert f"names '{path}', which is no field that can be masked" in broken([path])


def test_required_fields_and_choices_cannot_be_emptied() -> None:
    assert broken(["display_name"]) != []
    assert broken(["validation_mode"]) == ["cannot be emptied"]


@pytest.mark.parametrize("path", ["legal_name", "region_code", "legal_identifier", "legal_identifier.value"])
def test_the_legal_record_is_changed_by_no_update(path: str) -> None:
    company = company_pb2.Company(name="companies/acme", legal_name="Other", region_code="FR")
    request = company_pb2.UpdateCompanyRequest(company=company, update_mask=FieldMask(paths=[path]))
    with pytest.raises(Invalid):
        validate(UPDATE_COMPANY, request, MERCHANT)


def test_a_correction_touches_the_legal_record_and_nothing_else() -> None:
    company = company_pb2.Company(name="companies/acme", legal_name="Other", time_zone="Europe/Paris")
    request = company_pb2.CorrectCompanyRequest(company=company, reason="extract")

    assert paths_to_update(CORRECT, request) == ("legal_name",)


def test_without_a_mask_every_populated_field_that_can_be_written_is() -> None:
    request = shop_pb2.UpdateShopRequest(
        shop=shop_pb2.Shop(name=NAME, display_name="x", etag='"1"', extra_attempts=0)
    )

    assert paths_to_update(UPDATE_SHOP, request) == ("display_name", "extra_attempts")


def test_fields_outside_the_mask_are_not_judged() -> None:
    shop = shop_pb2.Shop(name=NAME, display_name="x", url="http://insecure.example")
    request = shop_pb2.UpdateShopRequest(shop=shop, update_mask=FieldMask(paths=["display_name"]))

    validate(UPDATE_SHOP, request, MERCHANT)


def test_merging_copies_masked_fields_empty_ones_included() -> None:
    target = company_pb2.Company(
        time_zone="Europe/Paris",
        incident_emails=["a@x.example"],
        address=company_pb2.Address(street="1", locality="Paris"),
    )
    source = company_pb2.Company(address=company_pb2.Address(locality="Nouméa"))

    merge(source, target, ("incident_emails", "address.locality"))

    assert target == company_pb2.Company(
        time_zone="Europe/Paris", address=company_pb2.Address(street="1", locality="Nouméa")
    )


def test_a_mask_of_very_many_paths_is_refused_before_anything_is_compared() -> None:
    paths = ["url"] * 5000 + ["display_name"] * 5000

    assert broken(paths) == ["names more than 64 fields"]


def test_each_wrong_path_is_named_and_a_long_one_cut_short() -> None:
    found = broken(["nom", "prix", "x" * 9000])

    assert len(found) == 3
    assert all(len(description) < 150 for description in found)


def test_merging_takes_nothing_over_that_only_the_service_writes() -> None:
    target = company_pb2.Company()
    given = company_pb2.LegalIdentifier(value="1", checksum_doubtful=True)

    merge(company_pb2.Company(legal_identifier=given), target, ("legal_identifier",))

    assert target.legal_identifier == company_pb2.LegalIdentifier(value="1")


def test_an_empty_mask_is_no_mask() -> None:
    request = shop_pb2.UpdateShopRequest(
        shop=shop_pb2.Shop(name=NAME, display_name="x"), update_mask=FieldMask()
    )

    assert paths_to_update(UPDATE_SHOP, request) == ("display_name",)

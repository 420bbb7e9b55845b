"""The fields that a PATCH means to change."""

from __future__ import annotations

from comptoir.company.v1 import company_pb2
from comptoir.shop.v1 import shop_pb2
from services.gateway.update_mask import paths_in

SHOP = shop_pb2.Shop.DESCRIPTOR
COMPANY = company_pb2.Company.DESCRIPTOR


def test_the_fields_in_the_body_are_meant_empty_ones_included() -> None:
    assert paths_in({"displayName": "a", "url": "", "extra_attempts": None}, SHOP) == (
        ["display_name", "url", "extra_attempts"],
        [],
    )


def test_what_is_never_written_is_not_meant() -> None:
    body = {"name": "n", "etag": "e", "state": "s", "createTime": "t", "displayName": "a", "unknown": 1}

    assert paths_in(body, SHOP) == (["display_name"], [])


def test_an_object_means_only_the_fields_in_it() -> None:
    body = {"address": {"locality": "Nouméa"}, "managerContact": {}, "technicalContact": None}

    assert paths_in(body, COMPANY) == (["address.locality", "manager_contact", "technical_contact"], [])


def test_a_list_is_meant_as_a_whole() -> None:
    assert paths_in({"incidentEmails": ["a@b.example"]}, COMPANY) == (["incident_emails"], [])


def test_what_cannot_be_changed_is_named() -> None:
    paths, fixed = paths_in({"legalName": "x", "timeZone": "UTC"}, COMPANY)

    assert paths == ["time_zone"]
    assert [(v.field, v.rule) for v in fixed] == [("legalName", "immutable")]

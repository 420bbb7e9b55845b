"""JSON values to messages: everything that does not fit is named, and what fits arrives."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import json_format, wrappers_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from hypothesis import given
from hypothesis import strategies as st

from comptoir.company.v1 import company_pb2
from comptoir.identity.v1 import oauth_pb2, session_pb2
from comptoir.media.v1 import logo_pb2
from comptoir.shop.v1 import key_pb2, shop_pb2, signature_pb2
from services.gateway.decode import decode
from services.gateway.json_text import parse
from services.gateway.tests.door import ROUTES


def broken(value: object, message: Any) -> list[tuple[str, str]]:
    return [(violation.field, violation.rule) for violation in decode(value, message)]


def words(value: object, message: Any) -> list[str]:
    return [violation.description for violation in decode(value, message)]


def test_both_forms_of_a_name_are_taken() -> None:
    shop = shop_pb2.Shop()

    assert broken({"displayName": "a", "capture_delay_days": 3}, shop) == []
    assert (shop.display_name, shop.capture_delay_days) == ("a", 3)


def test_every_violation_is_named_not_just_the_first() -> None:
    value = {"displayName": 3, "captureDelayDays": "x", "nope": 1, "validationMode": "MAYBE"}

    assert broken(value, shop_pb2.Shop()) == [
        ("displayName", "json_type"),
        ("captureDelayDays", "json_type"),
        ("nope", "unknown_field"),
        ("validationMode", "enum"),
    ]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"captureDelayDays": 2**31}, ("captureDelayDays", "range")),
        ({"captureDelayDays": 1.5}, ("captureDelayDays", "json_type")),
        ({"captureDelayDays": True}, ("captureDelayDays", "json_type")),
        ({"captureDelayDays": [1]}, ("captureDelayDays", "json_type")),
        ({"notifyRefusedAttempts": "true"}, ("notifyRefusedAttempts", "json_type")),
        ({"notifyRefusedAttempts": 1}, ("notifyRefusedAttempts", "json_type")),
        ({"displayName": {"a": 1}}, ("displayName", "json_type")),
        ({"displayName": "a\0b"}, ("displayName", "text")),
        ({"displayName": "\ud800"}, ("displayName", "text")),
        ({"validationMode": 77}, ("validationMode", "enum")),
        ({"validationMode": True}, ("validationMode", "json_type")),
        ({"display_name": "a", "displayName": "b"}, ("displayName", "duplicate")),
        ([], ("body", "json_type")),
        (None, ("body", "json_type")),
        ("text", ("body", "json_type")),
    ],
)
def test_what_does_not_fit_a_shop_is_named_with_its_rule(value: object, expected: tuple[str, str]) -> None:
    assert broken(value, shop_pb2.Shop()) == [expected]


def test_an_unknown_choice_is_answered_with_those_that_there_are() -> None:
    assert words({"validationMode": "MAYBE"}, shop_pb2.Shop()) == [
        "must be one of VALIDATION_MODE_AUTOMATIC, VALIDATION_MODE_MANUAL"
    ]


@pytest.mark.parametrize("number", [3, 3.0, "3"])
def test_an_integer_may_be_written_as_any_number_or_as_text(number: object) -> None:
    shop = shop_pb2.Shop()

    assert broken({"captureDelayDays": number}, shop) == []
    assert shop.capture_delay_days == 3


def test_names_given_twice_and_numbers_that_are_none_are_named() -> None:
    value = parse(b'{"displayName": "a", "displayName": "b", "captureDelayDays": NaN}')

    assert broken(value, shop_pb2.Shop()) == [
        ("displayName", "duplicate"),
        ("captureDelayDays", "json_type"),
    ]
    assert words(value, shop_pb2.Shop())[1] == "must be an integer, not NaN"


def test_paths_lead_into_objects_and_lists() -> None:
    value = {"managerContact": {"email": 5, "title": "TITLE_DR"}, "incidentEmails": ["a@b.example", 7]}

    assert broken(value, company_pb2.Company()) == [
        ("managerContact.email", "json_type"),
        ("managerContact.title", "enum"),
        ("incidentEmails[1]", "json_type"),
    ]


def test_what_only_the_service_writes_is_passed_over() -> None:
    shop = shop_pb2.Shop()

    assert broken({"state": "SHOP_STATE_PRODUCTION_READY", "createTime": 12}, shop) == []
    assert shop == shop_pb2.Shop()


def test_null_is_absence_but_not_in_a_list() -> None:
    assert broken({"displayName": None, "extraAttempts": None}, shop_pb2.Shop()) == []
    assert broken({"incidentEmails": [None]}, company_pb2.Company()) == [("incidentEmails[0]", "json_type")]


@pytest.mark.parametrize("text", ["UDUgMQ==", "UDUgMQ", "_-8=", "/+8", ""])
def test_base64_is_taken_in_both_alphabets_with_or_without_padding(text: str) -> None:
    expected = json_format.ParseDict({"content": text}, logo_pb2.ImportLogoRequest())
    found = logo_pb2.ImportLogoRequest()

    assert broken({"content": text}, found) == []
    assert expected == found


@pytest.mark.parametrize("text", ["a", "ab=", "a b c d", "+-==", "====", "é", "YQ==YQ=="])
def test_what_is_not_base64_is_refused(text: str) -> None:
    assert broken({"content": text}, logo_pb2.ImportLogoRequest()) == [("content", "base64")]


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01T00:00:00Z", "2026-01-01", "", "9" * 40])
def test_a_bad_time_is_refused_with_the_form_of_a_good_one(text: str) -> None:
    found = list(decode({"authenticateTime": text}, session_pb2.Session()))

    assert [(v.field, v.rule) for v in found] == [("authenticateTime", "timestamp")]
    assert "RFC 3339" in found[0].description


def test_two_of_which_only_one_may_be_there_are_named() -> None:
    value = {"authorizationCode": {"code": "a"}, "refreshToken": {"refreshToken": "b"}}

    assert broken(value, oauth_pb2.RedeemGrantRequest()) == [("refreshToken", "oneof")]


def test_maps_are_walked() -> None:
    request = signature_pb2.SignFormRequest()

    assert broken({"fields": {"vads_amount": "5124", "vads_x": 1}}, request) == [
        ("fields[vads_x]", "json_type")
    ]
    assert dict(request.fields) == {"vads_amount": "5124"}


def test_a_mask_is_read_in_both_forms() -> None:
    request = company_pb2.CorrectCompanyRequest()

    assert broken({"updateMask": "legalName,region_code"}, request) == []
    assert list(request.update_mask.paths) == ["legal_name", "region_code"]
    assert broken({"updateMask": "legal name"}, request) == [("updateMask", "field_mask")]


def test_a_long_unknown_name_is_not_repeated_in_full() -> None:
    (found,) = decode({"x" * 10_000: 1}, key_pb2.Key())

    assert len(found.field) < 100


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
FIELDS = sorted({f.json_name for route in ROUTES.values() for f in route.method.descriptor.input_type.fields})


@given(st.sampled_from(sorted(ROUTES)), st.dictionaries(st.sampled_from(FIELDS) | st.text(), JSON))
def test_no_json_value_breaks_the_decoder(endpoint: str, value: dict[str, object]) -> None:
    request = ROUTES[endpoint].method.request()
    found = list(decode(value, request))

    assert all(v.field and v.rule and v.description for v in found)
    assert all(v.field.encode() for v in found)
    assert ROUTES[endpoint].method.request.FromString(request.SerializeToString()) == request


SUPPORTED = {"google.protobuf.Timestamp", "google.protobuf.FieldMask", "google.protobuf.Duration"}


def test_the_contract_holds_only_what_the_decoder_knows() -> None:
    """Maps from strings to scalars, and of the well-known messages those that are one string."""
    fields = [field for route in ROUTES.values() for field in _reached(route.method.descriptor.input_type)]
    foreign = {
        field.full_name
        for field in fields
        if field.message_type is not None
        and field.message_type.file.package == "google.protobuf"
        and field.message_type.full_name not in SUPPORTED
    }
    maps = [f.message_type for f in fields if f.message_type and f.message_type.GetOptions().map_entry]

    assert foreign == set()
    assert all(entry.fields_by_name["key"].type == FieldDescriptor.TYPE_STRING for entry in maps)
    assert all(entry.fields_by_name["value"].message_type is None for entry in maps)


def _reached(message: Descriptor, seen: frozenset[str] = frozenset()) -> list[FieldDescriptor]:
    found = list(message.fields)
    for field in message.fields:
        inner = field.message_type
        if inner is not None and inner.full_name not in seen:
            found += _reached(inner, seen | {inner.full_name})
    return found


@pytest.mark.parametrize(
    ("value", "rule"),
    [({"value": 1e400}, "range"), ({"value": 10**400}, "range"), ({"value": "1"}, "json_type")],
)
def test_reals_are_finite_numbers(value: dict[str, object], rule: str) -> None:
    assert broken(value, wrappers_pb2.DoubleValue()) == [("value", rule)]


@pytest.mark.parametrize("value", [-(2**63) - 1, 2**63, str(2**63)])
def test_large_integers_keep_to_64_bits(value: object) -> None:
    assert broken({"value": value}, wrappers_pb2.Int64Value()) == [("value", "range")]
    assert broken({"value": -1}, wrappers_pb2.UInt64Value()) == [("value", "range")]
    assert broken({"value": "-5"}, wrappers_pb2.Int64Value()) == []

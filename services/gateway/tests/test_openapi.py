"""The OpenAPI document says what the contract says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from services.chassis.contract import every_method
from services.chassis.rights import RIGHTS, SCOPES
from services.gateway.openapi import document
from services.gateway.routes import routes

API = document(routes(every_method()), "https://gateway.test")
SCHEMAS = API["components"]["schemas"]
OPERATIONS = {
    item[verb]["operationId"]: (path, verb, item[verb])
    for path, item in API["paths"].items()
    for verb in item
}


def test_the_document_is_valid() -> None:
    assert [error.message for error in OpenAPIV31SpecValidator(API).iter_errors()] == []


def test_every_route_is_an_operation() -> None:
    served = {
        (route.verb.lower(), re.sub(r"\*", "{}", route.template.shape)) for route in routes(every_method())
    }
    described = {(verb, re.sub(r"{\w+}", "{}", path)) for path, verb, _ in OPERATIONS.values()}

    assert served == described


def test_every_reference_leads_somewhere() -> None:
    for reference in set(_references(API)):
        target: Any = API
        for step in reference.removeprefix("#/").split("/"):
            target = target[step]
        assert target


def test_everything_is_explained() -> None:
    silent = [name for name, (_, _, operation) in OPERATIONS.items() if not operation["summary"]]
    silent += [
        f"{name}.{field}"
        for name, schema in SCHEMAS.items()
        for field, value in schema.get("properties", {}).items()
        if not value.get("description")
    ]
    silent += [tag["name"] for tag in API["tags"] if not tag["description"]]

    assert silent == []


def test_path_parameters_are_those_of_the_path() -> None:
    for path, _, operation in OPERATIONS.values():
        named = [p["name"] for p in operation["parameters"] if p["in"] == "path"]
        assert named == re.findall(r"{(\w+)}", path)


def test_each_operation_names_the_right_it_needs_and_a_scope_that_covers_it() -> None:
    for method in every_method():
        if not method.routes or not method.policy.permission:
            continue
        _, _, operation = OPERATIONS[method.name]
        right = method.policy.permission
        assert operation["x-permission"] == right
        assert right in operation["description"]
        assert operation["security"][0]["oauth2"][0] in SCOPES
        assert right.startswith(operation["security"][0]["oauth2"][0])


def test_a_field_that_takes_a_further_right_is_told_with_it() -> None:
    assert (
        "To change `signatureAlgorithm`, also `shop.keys.manage`"
        in OPERATIONS["UpdateShop"][2]["description"]
    )


def test_what_anybody_may_read_asks_for_no_token() -> None:
    assert OPERATIONS["GetImage"][2]["security"] == []
    assert "401" not in OPERATIONS["GetImage"][2]["responses"]


def test_scopes_and_rights_are_listed_with_what_they_allow() -> None:
    scopes = API["components"]["securitySchemes"]["oauth2"]["flows"]["authorizationCode"]["scopes"]

    assert set(scopes) == {*SCOPES, *RIGHTS}
    assert all(scopes.values())
    assert scopes["shop.logo.update"] == "change the logos of shops"
    assert "change the logos of shops" in scopes["shop"]


def test_rules_of_fields_are_keywords() -> None:
    shop = SCHEMAS["Shop"]["properties"]

    assert (shop["captureDelayDays"]["minimum"], shop["captureDelayDays"]["maximum"]) == (0, 365)
    assert (shop["displayName"]["minLength"], shop["displayName"]["maxLength"]) == (1, 127)
    assert shop["managerEmail"]["anyOf"][1]["format"] == "email"
    assert "one line of text" in shop["displayName"]["description"]
    assert "https address" in shop["url"]["description"]
    assert SCHEMAS["Company"]["properties"]["incidentEmails"]["uniqueItems"] is True
    assert SCHEMAS["Company"]["properties"]["languageCode"]["enum"] == ["fr", "en", "es", "de", "pt", "it"]
    assert SCHEMAS["ImportLogoRequest"]["properties"]["content"]["contentEncoding"] == "base64"


def test_who_writes_a_field_is_said() -> None:
    assert SCHEMAS["Shop"]["properties"]["state"]["readOnly"] is True
    assert SCHEMAS["Shop"]["required"] == ["displayName"]
    assert SCHEMAS["Company"]["properties"]["legalName"]["x-immutable"] is True


def test_an_update_shows_only_what_can_change_and_requires_nothing() -> None:
    update = SCHEMAS["CompanyUpdate"]

    assert "required" not in update
    assert {"name", "legalName", "createTime"} & set(update["properties"]) == set()
    assert update["properties"]["managerContact"]["$ref"].endswith("/ContactUpdate")


def test_a_correction_shows_only_what_it_corrects() -> None:
    assert set(SCHEMAS["CompanyCorrection"]["properties"]) == {
        "legalName",
        "regionCode",
        "legalIdentifier",
        "etag",
    }


def test_a_body_must_be_there_where_something_in_it_must() -> None:
    wrong = []
    for name, (_, _, operation) in OPERATIONS.items():
        schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
        required = schema and "required" in SCHEMAS[schema["$ref"].rpartition("/")[2]]
        if required and not operation["requestBody"]["required"]:
            wrong.append(name)

    assert wrong == []
    assert OPERATIONS["RequireSecondFactor"][2]["requestBody"]["required"]
    assert not OPERATIONS["RegenerateTestKey"][2]["requestBody"]["required"]


def test_what_stands_in_the_path_is_not_in_the_body() -> None:
    assert "name" not in SCHEMAS["ImportKeyRequest"]["properties"]


def test_a_file_may_be_sent_as_it_is() -> None:
    assert OPERATIONS["ImportLogo_put"][2]["requestBody"]["content"] == {"*/*": {"schema": {}}}


def test_messages_of_one_name_in_two_services_are_kept_apart() -> None:
    assert {"CompanyTitle", "IdentityTitle"} <= set(SCHEMAS)


def test_readers_of_json_see_names_of_json_and_no_rows_of_requirements() -> None:
    text = json.dumps(API)

    assert "`regionCode`" in text
    assert not re.search(r"\((?:SH|CO|ME|ID|IN|GW)\d", text)


@pytest.mark.parametrize("name", list(OPERATIONS))
def test_examples_of_parameters_fit_their_schemas(name: str) -> None:
    for parameter in OPERATIONS[name][2]["parameters"]:
        if parameter["in"] == "path":
            assert re.fullmatch(parameter["schema"]["pattern"], parameter["example"])


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)

"""Faults as problem documents."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from services.chassis.errors import (
    Denied,
    Exhausted,
    Fault,
    Internal,
    Invalid,
    Stale,
    Unauthenticated,
    Unavailable,
    Violation,
)
from services.gateway import problems
from services.gateway.placing import client_field, place
from services.gateway.reasons import PRIVATE, REASONS, SIGN_IN, kebab
from services.gateway.tests.door import route

SERVICES = Path(__file__).parents[2]


def document(fault: Fault) -> dict[str, object]:
    return problems.problem(problems.public(fault, "request-1"), "request-1", "https://gateway.test")


def test_a_problem_names_reason_request_and_every_broken_rule() -> None:
    fault = Invalid("a: b", violations=[Violation("a", "required", "must be given")])

    assert document(fault) == {
        "type": "https://gateway.test/problems/invalid",
        "title": "The request breaks rules",
        "status": 400,
        "detail": "a: b",
        "instance": "urn:comptoir:request:request-1",
        "reason": "INVALID",
        "request_id": "request-1",
        "violations": [{"field": "a", "rule": "required", "description": "must be given"}],
    }


def test_a_missing_right_is_named() -> None:
    assert document(Denied("no", metadata={"permission": "shop.read"}))["permission"] == "shop.read"


@pytest.mark.parametrize(
    "fault",
    [
        Internal("Traceback: password=hunter2", metadata={"name": "hunter2"}),
        Denied("The service 'gateway' may not call hunter2.", reason="SERVICE_NOT_ALLOWED"),
    ],
)
def test_a_fault_of_ours_says_nothing_but_the_request_id(fault: Fault) -> None:
    told = document(fault)

    assert "hunter2" not in str(told)
    assert (told["status"], told["reason"]) == (500, "INTERNAL")
    assert "request-1" in str(told["detail"])


@pytest.mark.parametrize(
    ("fault", "header", "value"),
    [
        (
            Unauthenticated("no", reason="TOKEN_MISSING"),
            "WWW-Authenticate",
            'Bearer realm="comptoir"',
        ),
        (
            Unauthenticated("no", reason="TOKEN_EXPIRED"),
            "WWW-Authenticate",
            'Bearer realm="comptoir", error="invalid_token"',
        ),
        (
            Unauthenticated(
                "no",
                reason="INSUFFICIENT_USER_AUTHENTICATION",
                metadata={"max_age": "300", "acr_values": "urn:comptoir:acr:2fa"},
            ),
            "WWW-Authenticate",
            'Bearer realm="comptoir", error="insufficient_user_authentication", '
            'acr_values="urn:comptoir:acr:2fa", max_age="300"',
        ),
        (
            Denied("no", reason="INSUFFICIENT_SCOPE", metadata={"scope": "shop.read"}),
            "WWW-Authenticate",
            'Bearer realm="comptoir", error="insufficient_scope", scope="shop.read"',
        ),
        (Exhausted("no", retry_after_seconds=1.2), "Retry-After", "2"),
        (Unavailable("no"), "Retry-After", "1"),
    ],
)
def test_headers_say_what_to_prove_and_when_to_come_back(fault: Fault, header: str, value: str) -> None:
    assert problems.headers(fault)[header] == value


def test_a_stale_version_is_told_the_present_one_and_no_header_asks_for_anything() -> None:
    fault = Stale("old", metadata={"name": "n", "current_etag": '"b"'})

    assert document(fault)["current_etag"] == '"b"'
    assert problems.headers(fault) == {}


@pytest.mark.parametrize(
    ("endpoint", "path", "expected"),
    [
        ("shop.v1.ShopService.UpdateShop.0", "shop.capture_delay_days", "captureDelayDays"),
        ("shop.v1.ShopService.UpdateShop.0", "shop", "body"),
        ("shop.v1.ShopService.UpdateShop.0", "update_mask", "updateMask"),
        ("shop.v1.ShopService.CreateShop.0", "shop_id", "shopId"),
        ("company.v1.CompanyService.CorrectCompany.0", "company.legal_name", "company.legalName"),
        (
            "inbox.v1.MessageService.CreateMessage.0",
            "message.texts[1].language_code",
            "texts[1].languageCode",
        ),
        ("shop.v1.ShopService.ListShops.0", "page_size", "pageSize"),
        ("shop.v1.ShopService.ListShops.0", "fields[vads_ctx_mode]", "fields[vads_ctx_mode]"),
    ],
)
def test_fields_are_named_as_the_client_wrote_them(endpoint: str, path: str, expected: str) -> None:
    assert client_field(route(endpoint), path) == expected


def test_the_detail_speaks_of_the_clients_fields_too() -> None:
    fault = Invalid.field("shop.display_name", "required", "must be given")
    placed = place(route("shop.v1.ShopService.UpdateShop.0"), fault)

    assert placed.message == "displayName: must be given"


def test_every_reason_that_the_suite_gives_is_explained() -> None:
    given = {
        reason for file in SERVICES.rglob("*.py") if "tests" not in file.parts for reason in _reasons(file)
    }
    unexplained = sorted(given - set(REASONS) - PRIVATE - SIGN_IN)

    assert unexplained == [], "explain these in services/gateway/reasons.py"


def test_addresses_of_reasons_are_distinct() -> None:
    assert len({kebab(reason) for reason in REASONS}) == len(REASONS)


def _reasons(file: Path) -> set[str]:
    """Texts given as `reason=` to a call, or among the values of a class's `default_reason`."""
    nodes = list(ast.walk(ast.parse(file.read_text())))
    values = [node.value for node in nodes if isinstance(node, ast.keyword) and node.arg == "reason"]
    values += [
        node.value
        for node in nodes
        if isinstance(node, ast.Assign) and "default_reason" in ast.unparse(node.targets[0])
    ]
    parts = [part for value in values for part in getattr(value, "elts", [value])]
    texts = {part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)}
    return {text for text in texts if text.isupper()}

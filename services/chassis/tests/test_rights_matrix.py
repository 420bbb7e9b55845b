"""Every right against every method and every preset: a method opens to the right it names, and to no other."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.chassis.authorize import authorize
from services.chassis.caller import Caller, Kind
from services.chassis.completeness import PEOPLE
from services.chassis.contract import Method, every_method
from services.chassis.errors import Denied, Unauthenticated
from services.chassis.rights import OPERATOR, PRESETS, RIGHTS, SCOPES

NOW = datetime(2026, 1, 2, tzinfo=UTC)
METHODS = [method for method in every_method() if method.policy.permission]
CASES = [
    pytest.param(method, Kind(kind), id=f"{method.name}-{Kind(kind).name.lower()}")
    for method in METHODS
    for kind in sorted(method.callers & PEOPLE)
]


def caller(method: Method, kind: Kind, rights: frozenset[str]) -> Caller:
    """Somebody of the company that the example is about, or of the platform, with these rights and every scope."""
    example = method.example()
    parts = [name.pattern.parse(name.value(example)) or {} for name in method.names]
    company = next((found["company"] for found in parts if "company" in found), "acme")
    return Caller(
        kind,
        "ada",
        "gateway",
        company=company if kind is Kind.MERCHANT else None,
        rights=rights,
        scopes=frozenset(SCOPES),
        authenticated_at=NOW,
    )


def old(method: Method, kind: Kind, rights: frozenset[str]) -> Caller:
    """The same, six minutes after they proved who they are."""
    return replace(caller(method, kind, rights), authenticated_at=NOW - timedelta(minutes=6))


def lacking(method: Method, kind: Kind, rights: frozenset[str]) -> str:
    """The right that the refusal names; empty where the call goes on."""
    try:
        authorize(caller(method, kind, rights), method, method.example(), NOW)
    except Denied as refused:
        return refused.metadata["permission"]
    return ""


@pytest.mark.parametrize(("method", "kind"), CASES)
def test_a_method_opens_to_its_right_and_to_no_other(method: Method, kind: Kind) -> None:
    needed = method.policy.permission
    alone = {right: lacking(method, kind, frozenset({right})) for right in RIGHTS}
    all_but_one = {right: lacking(method, kind, frozenset(RIGHTS) - {right}) for right in RIGHTS}

    assert alone == {right: "" if right == needed else needed for right in RIGHTS}
    assert all_but_one == {right: needed if right == needed else "" for right in RIGHTS}


FIELDS = [
    pytest.param(method, Kind(kind), *asked, id=f"{method.name}-{Kind(kind).name.lower()}-{asked[0]}")
    for method in METHODS
    for kind in sorted(method.callers & PEOPLE)
    for asked in method.field_rights.items()
]


@pytest.mark.parametrize(("method", "kind", "field", "right"), FIELDS)
@pytest.mark.parametrize("masked", [True, False])
def test_a_field_opens_to_its_right_beside_the_methods_own(
    method: Method, kind: Kind, field: str, right: str, masked: bool
) -> None:
    request: Any = method.example()
    resource = getattr(request, method.updated or "")
    request.update_mask.Clear()
    if masked:
        request.update_mask.paths.append(field)
    else:
        setattr(resource, field, 1)
    known = frozenset({method.policy.permission})

    authorize(caller(method, kind, known), method, method.example(), NOW)
    authorize(caller(method, kind, known | {right}), method, request, NOW)
    with pytest.raises(Denied) as refused:
        authorize(caller(method, kind, known), method, request, NOW)
    narrow = replace(caller(method, kind, known | {right}), scopes=known)
    with pytest.raises(Denied) as uncovered:
        authorize(narrow, method, request, NOW)

    assert refused.value.metadata == {"permission": right}
    assert uncovered.value.metadata == {"scope": right}


@pytest.mark.parametrize(("method", "kind", "field", "right"), FIELDS)
def test_an_application_by_itself_needs_the_right_to_a_field_as_well(
    method: Method, kind: Kind, field: str, right: str
) -> None:
    request: Any = method.example()
    request.update_mask.paths[:] = [field]
    known = frozenset({method.policy.permission})
    itself = replace(caller(method, kind, known), is_application=True, scopes=known)

    authorize(itself, method, method.example(), NOW)
    with pytest.raises(Denied) as refused:
        authorize(itself, method, request, NOW)

    assert refused.value.metadata == {"permission": right}


PROVED = [
    pytest.param(method, Kind(kind), field, id=f"{method.name}-{Kind(kind).name.lower()}-{field}")
    for method in METHODS
    for kind in sorted(method.callers & PEOPLE)
    for field in sorted(method.proved_fields)
]


@pytest.mark.parametrize(("method", "kind", "field"), PROVED)
def test_a_field_that_asks_for_fresh_proof_is_not_written_without(
    method: Method, kind: Kind, field: str
) -> None:
    request: Any = method.example()
    if method.updated:
        request.update_mask.paths[:] = [field]
    else:
        (part,) = (part for part, made in method.written.items() if field in made.fields_by_name)
        getattr(getattr(request, part), field).append("https://app.example/callback")
    right = frozenset({method.policy.permission})

    authorize(old(method, kind, right), method, method.example(), NOW)
    authorize(caller(method, kind, right), method, request, NOW)
    with pytest.raises(Unauthenticated) as refused:
        authorize(old(method, kind, right), method, request, NOW)
    assert refused.value.reason == "INSUFFICIENT_USER_AUTHENTICATION"


GIVEN = [
    pytest.param(method, Kind(kind), *asked, id=f"{method.name}-{Kind(kind).name.lower()}-{asked[1]}")
    for method in METHODS
    for kind in sorted(method.callers & PEOPLE)
    for asked in method.proved_values
]


@pytest.mark.parametrize(("method", "kind", "part", "field", "values"), GIVEN)
def test_a_value_that_asks_for_fresh_proof_is_not_given_without(
    method: Method, kind: Kind, part: str, field: str, values: dict[int, str]
) -> None:
    right, request = frozenset({method.policy.permission}), method.example()
    kinds = method.written[part].fields_by_name[field].enum_type
    assert kinds is not None
    others = {each.number for each in kinds.values} - values.keys()
    for value in sorted(others):
        setattr(getattr(request, part), field, value)
        authorize(old(method, kind, right), method, request, NOW)
    for value in sorted(values):
        setattr(getattr(request, part), field, value)
        if method.updated:
            request.update_mask.paths[:] = [field]  # type: ignore[attr-defined]
        authorize(caller(method, kind, right), method, request, NOW)
        with pytest.raises(Unauthenticated):
            authorize(old(method, kind, right), method, request, NOW)


def test_owners_and_redirect_uris_ask_for_fresh_proof() -> None:
    (opening,) = (method for method in METHODS if method.name == "OpenCompany")
    right = frozenset({opening.policy.permission})
    with pytest.raises(Unauthenticated):
        authorize(old(opening, Kind.OPERATOR, right), opening, opening.example(), NOW)
    assert {method.name for method in METHODS if method.proved_fields} == {
        "CreateApplication",
        "UpdateApplication",
    }
    assert {method.name for method in METHODS if method.proved_values} == {
        "CreateInvitation",
        "CreateMembership",
        "UpdateMembership",
    }


def test_the_signature_algorithm_of_a_shop_takes_the_right_to_manage_keys() -> None:
    (update,) = (method for method in METHODS if method.name == "UpdateShop")
    assert update.field_rights == {"signature_algorithm": "shop.keys.manage"}


@pytest.mark.parametrize(("method", "kind"), CASES)
def test_a_method_opens_to_the_presets_that_hold_its_right(method: Method, kind: Kind) -> None:
    presets = {
        name: rights for name, rights in PRESETS.items() if (name == OPERATOR) == (kind is Kind.OPERATOR)
    }
    needed = method.policy.permission
    found = {name: lacking(method, kind, rights) for name, rights in presets.items()}

    assert found == {name: "" if needed in rights else needed for name, rights in presets.items()}


def test_every_right_opens_something() -> None:
    assert {method.policy.permission for method in METHODS} == set(RIGHTS)


def test_no_preset_of_a_company_holds_a_right_of_the_platform() -> None:
    merchants = {name: rights for name, rights in PRESETS.items() if name != OPERATOR}

    assert {name: [] for name in merchants} == {
        name: [right for right in rights if right.startswith("platform.")]
        for name, rights in merchants.items()
    }

"""Path templates of the contract."""

from __future__ import annotations

import pytest

from services.chassis.completeness import OUTSIDE
from services.chassis.contract import every_method
from services.gateway.path_template import Template
from services.gateway.tests.door import ROUTES

KEY = Template("/v1/{name=companies/*/shops/*/keys/*}:regenerate")


def test_segments_become_the_name_that_the_field_holds() -> None:
    assert KEY.fill(["acme", "69876357", "form-test"]) == {
        "name": "companies/acme/shops/69876357/keys/form-test"
    }


def test_a_nested_field_keeps_its_path() -> None:
    assert Template("/v1/{shop.name=companies/*/shops/*}").fill(["a", "1"]) == {
        "shop.name": "companies/a/shops/1"
    }


def test_what_would_match_several_segments_is_refused() -> None:
    with pytest.raises(ValueError, match="not served"):
        Template("/v1/{name=companies/**}")


def test_every_public_method_has_a_route_and_no_two_share_an_address() -> None:
    addresses = [(route.verb, route.template.shape) for route in ROUTES.values()]

    assert len(set(addresses)) == len(addresses)
    assert {method.path for method in every_method() if method.callers & OUTSIDE} == {
        route.method.path for route in ROUTES.values()
    }

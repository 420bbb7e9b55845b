"""Each path leads to the routes of one address, or to none."""

from __future__ import annotations

import pytest

from services.gateway.addresses import Addresses
from services.gateway.operations import path_example
from services.gateway.tests.door import ROUTES

ADDRESSES = Addresses(ROUTES.values())


@pytest.mark.parametrize("endpoint", ROUTES)
def test_every_route_is_found_by_its_example(endpoint: str) -> None:
    route = ROUTES[endpoint]
    found = ADDRESSES.find(path_example(route))

    assert found is not None
    assert route is found[0].routes[route.verb]
    assert found[0].service == route.method.service.split(".")[1]


def test_segments_are_told_in_their_order() -> None:
    found = ADDRESSES.find("/v1/companies/*/shops/69876357/keys/form-test:regenerate")

    assert found is not None
    assert found[1] == ["*", "69876357", "form-test"]
    assert found[0].allowed == "OPTIONS, POST"


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/v1",
        "/v1/nothing",
        "/v1/companies/",
        "/v1/companies//shops",
        "/v1/companies/acme/",
        "/v1/companies/acme:",
        "/v1/companies/acme/shops/1/keys/k:other:regenerate",
        "/v1/companies/acme/shops/1/keys/k:regenerate/",
        "/v1/companies/a:b/shops",
        "v1/companies/acme",
        "//v1/companies/acme",
    ],
)
def test_what_no_template_matches_is_nowhere(path: str) -> None:
    assert ADDRESSES.find(path) is None

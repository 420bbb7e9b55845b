"""The example of every public method, sent by REST, arrives as the request that the contract shows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from services.gateway.addresses import Addresses
from services.gateway.operations import body_example, path_example
from services.gateway.routes import Route
from services.gateway.tests.door import ROUTES
from services.gateway.transcode import complete, named

ADDRESSES = Addresses(ROUTES.values())


@pytest.mark.parametrize("endpoint", [name for name, route in ROUTES.items() if not route.takes_bytes])
def test_the_example_of_every_route_arrives_as_it_was_meant(endpoint: str) -> None:
    route = ROUTES[endpoint]
    sent: dict[str, Any] = {"json": body_example(route)} if route.body else {}
    path = path_example(route)
    request = Request(
        EnvironBuilder(path, method=route.verb, query_string=_query(route), **sent).get_environ()
    )
    found = ADDRESSES.find(request.path)
    assert found is not None
    address, segments = found
    message = named(route, segments)
    complete(route, message, request)

    assert route is address.routes[route.verb]
    assert route.method.example() == message


def _query(route: Route) -> dict[str, str]:
    """What of the example is neither in the path nor in the body."""
    example = json.loads(route.method.policy.example)
    names = [field.json_name for field in route.query]
    return {name: str(example[name]) for name in names if name in example}

"""The gateway as tests speak to it, and how they read what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from werkzeug.test import Client, TestResponse

from comptoir.shop.v1 import shop_pb2
from services.chassis.contract import every_method
from services.chassis.testing.running import Running
from services.chassis.testing.tokens import Mint
from services.gateway.routes import Route, routes

NOWHERE = "127.0.0.1:1"
ROUTES = {route.endpoint.removeprefix("comptoir."): route for route in routes(every_method())}


def route(endpoint: str) -> Route:
    """A route by service, method and number, such as `shop.v1.ShopService.GetShop.0`."""
    return ROUTES[endpoint]


@dataclass
class Door:
    """The application, the services behind it, and a client that sends an owner's token unless told otherwise."""

    client: Client
    shop: Running
    media: Running

    @property
    def mint(self) -> Mint:
        return self.shop.mint

    def call(
        self,
        verb: str,
        path: str,
        *,
        token: str | None = "",
        headers: dict[str, str] | None = None,
        **body: Any,
    ) -> TestResponse:
        """One request; with None, no token is sent."""
        sent = dict(headers or {})
        if token is not None:
            sent["Authorization"] = f"Bearer {token or self.mint.token()}"
        return self.client.open(path, method=verb, headers=sent, **body)

    def opened(self, company: str = "acme", **settings: Any) -> str:
        """Opens a shop; its address."""
        request = shop_pb2.CreateShopRequest(
            parent=f"companies/{company}", shop=shop_pb2.Shop(display_name="Boutique du port", **settings)
        )
        shop = self.shop.call("ShopService/CreateShop", request, shop_pb2.Shop, service="bootstrap")
        self.media.acquaintance.shop(company, shop.name.rpartition("/")[2])
        return f"/v1/{shop.name}"


def refused(answer: TestResponse, status: int, reason: str) -> dict[str, Any]:
    """The problem document, which every refusal is."""
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem: dict[str, Any] = answer.get_json()
    assert (answer.status_code, problem["reason"]) == (status, reason), problem
    assert problem["status"] == status
    assert problem["request_id"] == answer.headers["X-Request-Id"]
    return problem


def fields(problem: dict[str, Any]) -> list[tuple[str, str]]:
    """The fields that a problem names, each with the rule that it breaks."""
    return [(violation["field"], violation["rule"]) for violation in problem["violations"]]

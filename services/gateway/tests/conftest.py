"""The gateway's application over a real shop service, spoken to as an HTTP client would."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from comptoir.shop.v1 import shop_pb2
from services.chassis.testing.running import Running
from services.chassis.testing.tokens import ISSUER, Mint
from services.gateway.app import create_app
from services.gateway.backend import Backend
from services.gateway.config import GatewaySettings
from services.shop.service import SHOP

NOWHERE = "127.0.0.1:1"


@dataclass
class Door:
    """The application, the service behind it, and a client that sends an owner's token unless told otherwise."""

    app: Flask
    shop: Running
    client: FlaskClient

    @property
    def mint(self) -> Mint:
        return self.shop.mint

    def call(
        self, verb: str, path: str, *, token: str | None = "", headers: dict[str, str] | None = None, **body: Any
    ) -> TestResponse:
        """One request; no token is sent for None."""
        sent = dict(headers or {})
        if token is not None:
            sent["Authorization"] = f"Bearer {token or self.mint.token()}"
        return self.client.open(path, method=verb, headers=sent, **body)

    def opened(self, company: str = "acme", **settings: Any) -> str:
        """Opens a shop; its name."""
        request = shop_pb2.CreateShopRequest(
            parent=f"companies/{company}", shop=shop_pb2.Shop(display_name="Boutique du port", **settings)
        )
        return self.shop.call("ShopService/CreateShop", request, shop_pb2.Shop, service="bootstrap").name


@pytest.fixture(scope="module")
def settings(certificates: Path, tmp_path_factory: pytest.TempPathFactory) -> GatewaySettings:
    directory = tmp_path_factory.mktemp("gateway")
    (directory / "cookie-key").write_text("0" * 43)
    return GatewaySettings(
        listen="127.0.0.1:0",
        metrics_listen="127.0.0.1:0",
        web_tls_directory=certificates / "web",
        tls_directory=certificates / "gateway",
        cookie_key_file=directory / "cookie-key",
        issuer=ISSUER,
        state_directory=directory,
        identity_address=NOWHERE,
        company_address=NOWHERE,
        shop_address=NOWHERE,
        media_address=NOWHERE,
        inbox_address=NOWHERE,
    )


@pytest.fixture(scope="module")
def door(run_service: Callable[..., Running], settings: GatewaySettings) -> Iterator[Door]:
    shop = run_service(SHOP)
    backend = Backend(
        {**settings.addresses, "shop": f"127.0.0.1:{shop.server.port}"}, settings.tls_directory
    )
    app = create_app(settings, backend, find_key=shop.mint.find)
    yield Door(app, shop, app.test_client())
    backend.close()

"""The gateway's application over real services, spoken to as an HTTP client would."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services.chassis.testing.running import Running
from services.chassis.testing.tokens import ISSUER
from services.gateway.app import create_front
from services.gateway.backend import Backend
from services.gateway.config import GatewaySettings
from services.gateway.tests.door import NOWHERE, Door
from services.gateway.tests.entrance import entrance
from services.media.service import MEDIA
from services.shop.service import SHOP


@pytest.fixture(scope="module")
def settings(certificates: Path, tmp_path_factory: pytest.TempPathFactory) -> GatewaySettings:
    """Settings of a gateway whose services are all away."""
    directory = tmp_path_factory.mktemp("gateway")
    (directory / "cookie-key").write_text("made-up-key-for-tests-0123456789-0123456789")
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


def minted_for(*services: Running) -> Callable[[str, dict[str, Any]], None]:
    """All of them hear what the tokens of one mint say."""

    def tell(token: str, claims: dict[str, Any]) -> None:
        for service in services:
            service.acquaintance.minted(token, claims)

    return tell


@pytest.fixture(scope="module")
def door(
    run_service: Callable[..., Running], settings: GatewaySettings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Door]:
    """The gateway over a shop and a media service."""
    shop = run_service(SHOP)
    media = run_service(
        replace(MEDIA, find_key=lambda _: shop.mint.find), media_directory=tmp_path_factory.mktemp("images")
    )
    ports = {"shop": shop.server.port, "media": media.server.port}
    addresses = {**settings.addresses, **{name: f"127.0.0.1:{port}" for name, port in ports.items()}}
    shop.mint.minted = minted_for(shop, media)
    backend = Backend(addresses, settings.tls_directory)
    with entrance(create_front(settings, backend, find_key=shop.mint.find)) as client:
        yield Door(client, shop, media)

"""The services that the client talks to, running, and what a test does to them."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from comptoir.company.v1 import company_pb2
from comptoir.shop.v1 import key_pb2, shop_pb2
from comptoir_client import Addresses, Comptoir, Credentials, Feeds
from comptoir_client.following import Listener
from services.chassis.changes.compact import compact
from services.chassis.db.migrate import owner_engine
from services.chassis.rpc.metadata import REVISION
from services.chassis.testing.feeding import Feeding
from services.chassis.testing.running import METHODS, Running

NOBODY = "127.0.0.1:1"
"""An address at which nobody answers."""


class Suite:
    """A company and a shop service with their feeds, which can be taken away and come back."""

    def __init__(self, company: Running, shop: Running, certificates: Path, directory: Path) -> None:
        self._company, self.shop_service = company, shop
        self._certificates = certificates
        self._directory = directory
        self._feeds = {each.service.name: self._feeding(each) for each in (company, shop)}
        self._places = {name: feed.address for name, feed in self._feeds.items()}
        self._clients = ExitStack()

    def client(
        self,
        cache_directory: Path | None = None,
        *,
        service: str = "payment-engine",
        calls: bool = True,
        feeds: bool = True,
        listener: Listener | None = None,
    ) -> Comptoir:
        """A client, closed in the end; without `calls`, or `feeds`, nobody answers them."""
        places = Feeds(self._places["shop"], self._places["company"]) if feeds else Feeds(NOBODY, NOBODY)
        addresses = Addresses(
            f"127.0.0.1:{self.shop_service.server.port}" if calls else NOBODY,
            f"127.0.0.1:{self._company.server.port}" if calls else NOBODY,
            places,
        )
        made = Comptoir(
            addresses, Credentials(self._certificates / service), cache_directory, listener=listener
        )
        return self._clients.enter_context(made)

    def close(self) -> None:
        self._clients.close()
        for feed in self._feeds.values():
            feed.stop()

    def stop_feed(self) -> None:
        """The feed of shops."""
        self._feeds.pop("shop").stop()

    def restart_feed(self) -> None:
        """At the place where it was."""
        self._feeds["shop"] = self._feeding(self.shop_service, feed_listen=self._places["shop"])

    def compact(self) -> None:
        """Has the feed of shops forget everything told so far."""
        self.stop_feed()
        engine = owner_engine(self.shop_service.database.urls["owner"])
        with engine.begin() as connection:
            compact(connection, datetime.now(UTC) + timedelta(minutes=1), timedelta(0))
        engine.dispose()
        self.restart_feed()

    def open_company(self, time_zone: str = "Pacific/Noumea") -> str:
        """A new company; its name."""
        contact = company_pb2.Contact(
            title=company_pb2.TITLE_MRS,
            given_name="Alice",
            family_name="Exemple",
            email="alice@halles.example",
        )
        company = company_pb2.Company(
            legal_name="Les Halles du Port",
            region_code="NC",
            time_zone=time_zone,
            language_code="fr",
            manager_contact=contact,
            technical_contact=contact,
        )
        company.legal_identifier.kind = company_pb2.LEGAL_IDENTIFIER_KIND_RIDET
        company.legal_identifier.value = "0 123 455.001"
        request = company_pb2.CreateCompanyRequest(company=company)
        made = self._company.call(
            "CompanyService/CreateCompany", request, company_pb2.Company, service="bootstrap"
        )
        return made.name

    def open_shop(self, company: str, **settings: Any) -> str:
        """A new shop of the company; its name."""
        shop = shop_pb2.Shop(**{"display_name": "Boutique", **settings})
        request = shop_pb2.CreateShopRequest(parent=company, shop=shop)
        made = self.shop_service.call("ShopService/CreateShop", request, shop_pb2.Shop, service="bootstrap")
        return made.name

    def update(self, shop: str, **settings: Any) -> str:
        """Changes settings as the merchant does; the revision."""
        request = shop_pb2.UpdateShopRequest(shop=shop_pb2.Shop(name=shop, **settings))
        request.update_mask.paths.extend(settings)
        token = self.shop_service.mint.token(company=shop.split("/")[1])
        method = METHODS["ShopService/UpdateShop"]
        self.shop_service.acquaintance.meet(method, request, token)
        told: dict[str, str] = {}
        self.shop_service.client().call(
            method, request, metadata={"authorization": f"Bearer {token}"}, told=told
        )
        return told[REVISION]

    def import_key(self, shop: str, key: str, value: str) -> None:
        """Gives the shop a known key."""
        request = key_pb2.ImportKeyRequest(name=f"{shop}/keys/{key}", value=value)
        self.shop_service.call("KeyService/ImportKey", request, key_pb2.Key, service="bootstrap")

    def _feeding(self, running: Running, **settings: str) -> Feeding:
        return Feeding(running.service, running.database, self._certificates, self._directory, **settings)

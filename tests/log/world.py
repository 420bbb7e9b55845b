"""A platform of real processes with companies of its own, and what a test needs to get at all of it."""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import requests

from deploy.local import databases
from deploy.local.browser import Application
from deploy.local.demonstration import Bootstrap
from deploy.local.platforms import Platform
from deploy.local.postgres import Cluster
from deploy.local.servers import Server
from tests.log.waiting import until

_TOKEN_SECONDS = 200.0
"""How long a token is used: well below the five minutes it lives."""
_CONTACT = {
    "title": "TITLE_MRS",
    "givenName": "Alice",
    "familyName": "Exemple",
    "email": "alice@boutique.example",
}
_RECORD = {
    "legalName": "Les Halles du Port",
    "regionCode": "NC",
    "legalIdentifier": {"kind": "LEGAL_IDENTIFIER_KIND_RIDET", "value": "0 123 455.001"},
    "address": {"street": "1 quai d'Exemple", "postalCode": "98800", "locality": "Nouméa"},
    "timeZone": "Pacific/Noumea",
    "languageCode": "fr",
    "managerContact": _CONTACT,
    "technicalContact": _CONTACT,
}


@dataclass
class Person:
    """Somebody who can sign in, and the access token they have at present."""

    world: World
    name: str
    login: str
    password: str
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _token: str = ""
    _until: float = 0.0

    def token(self) -> str:
        """An access token; waits for one while the platform is down."""
        with self._lock:
            if time.monotonic() > self._until:
                self._token = until(self._signed_in, f"{self.login} signs in")
                self._until = time.monotonic() + _TOKEN_SECONDS
            return self._token

    def _signed_in(self) -> str | None:
        description = self.world.platform.description
        try:
            tokens = Application(description["gateway"], description["ca"]).sign_in(self.login, self.password)
        except (requests.RequestException, AssertionError, LookupError):
            # Whatever page says that the platform is away for a moment.
            return None
        token: str = tokens["access_token"]
        return token


@dataclass
class Company:
    """A company, its owner, and the shops it has by now."""

    name: str
    owner: Person
    shops: list[str] = field(default_factory=list)
    """Only ever added to, by any writer."""

    @property
    def company_id(self) -> str:
        return self.name.removeprefix("companies/")


class World:
    """So many companies, made through the contract, and everything about them."""

    def __init__(self, platform: Platform, companies: int) -> None:
        self.platform = platform
        self.run = f"run{secrets.token_hex(4)}"
        """What all ids of requests and labels of this world begin with."""
        self.server: Server = Cluster(platform.layout.postgres, platform.ports["postgres"]).server
        self._bootstrap = Bootstrap(platform)
        self._first_label = f"{self.run}-opened"
        self._people = 0
        self.companies = [self._company() for _ in range(companies)]
        operator = next(login for login in platform.description["logins"] if login["login"] == "olga")
        self.operator = Person(self, "", operator["login"], operator["password"])

    def scopes(self, service: str) -> list[str]:
        """Of this world's changes in the log of a service."""
        people = [company.owner.name for company in self.companies] if service == "identity" else []
        return [*(company.name for company in self.companies), *people]

    def label(self, request: str) -> str:
        """The label that a request gave its shop: its own id, but for the shops that were there first."""
        return request if request.startswith(f"{self.run}-") else self._first_label

    def person(self) -> Person:
        """Somebody new."""
        self._people += 1
        login, password = f"{self.run}-{self._people}", secrets.token_urlsafe(20) + "a1"
        user = {
            "login": login,
            "email": f"{login}@boutique.example",
            "givenName": "Ada",
            "familyName": "Exemple",
            "languageCode": "fr",
            "timeZone": "Pacific/Noumea",
        }
        made = self._bootstrap.call("UserService/CreateUser", {"user": user, "initialPassword": password})
        return Person(self, made["name"], login, password)

    def place(self, company: str, person: Person, role: str = "ROLE_OWNER") -> str:
        """Gives somebody a place in a company; its name."""
        membership = {"user": person.name, "role": role, "allShops": True}
        request = {"parent": company, "membership": membership}
        name: str = self._bootstrap.call("MembershipService/CreateMembership", request)["name"]
        return name

    def _company(self) -> Company:
        name: str = self._bootstrap.call("CompanyService/CreateCompany", {"company": _RECORD})["name"]
        owner = self.person()
        self.place(name, owner)
        shop = {"displayName": self._first_label, "url": "https://boutique.example"}
        opened = self._bootstrap.call("ShopService/CreateShop", {"parent": name, "shop": shop})
        return Company(name, owner, [opened["name"]])

    def certificates(self, name: str) -> Path:
        return self.platform.layout.certificates / name

    def url(self, service: str, role: str) -> str:
        """Where a service's database is, in one of its roles."""
        return databases.url_file(self.platform.layout.secrets, service, role).read_text()

    def rows(self, service: str, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """What a service's database holds, seen by its administrator; waits while it is down."""

        def read() -> tuple[list[tuple[Any, ...]]] | None:
            try:
                with self.server.administrator(databases.database_name(service)) as connection:
                    return (connection.execute(query.encode(), values).fetchall(),)
            except psycopg.OperationalError:
                return None

        (found,) = until(read, f"the database of {service} answers")
        return found

    def close(self) -> None:
        self._bootstrap.close()

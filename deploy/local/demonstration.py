"""The demonstration platform: what a visitor finds after the first start, made through the contract.

Two companies, three shops of which one has done its tests for production, five people (one of two companies, one of the
platform's staff), two OAuth clients. Keys and shop ids are the public demonstration values of the platform family's
documentation; everything else is made up.
"""

from __future__ import annotations

import json
import secrets
import string
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message import Message

from deploy.local import files
from services.chassis.contract import Method, every_method
from services.chassis.errors import NotReady
from services.chassis.rpc.client import Client

if TYPE_CHECKING:
    from deploy.local.platforms import Platform

_PATIENCE_SECONDS = 30.0
_PAUSE_SECONDS = 0.05
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
REDIRECT = "http://127.0.0.1:53682/callback"
SCOPES = [
    "openid",
    "profile",
    "email",
    "account",
    "company",
    "users",
    "applications",
    "shop",
    "inbox",
    "platform",
]
_COMPANIES: dict[str, dict[str, Any]] = {
    "halles": {
        "legalName": "Les Halles du Port",
        "regionCode": "NC",
        "legalIdentifier": {"kind": "LEGAL_IDENTIFIER_KIND_RIDET", "value": "0 123 455.001"},
        "address": {"street": "1 quai d'Exemple", "postalCode": "98800", "locality": "Nouméa"},
        "timeZone": "Pacific/Noumea",
        "languageCode": "fr",
    },
    "atelier": {
        "legalName": "Atelier Lumière",
        "regionCode": "FR",
        "legalIdentifier": {"kind": "LEGAL_IDENTIFIER_KIND_SIRET", "value": "73282932000074"},
        "address": {"street": "2 rue d'Exemple", "postalCode": "75001", "locality": "Paris"},
        "timeZone": "Europe/Paris",
        "languageCode": "fr",
    },
}
_CONTACTS = {
    "managerContact": {
        "title": "TITLE_MRS",
        "givenName": "Alice",
        "familyName": "Exemple",
        "email": "alice@boutique.example",
    },
    "technicalContact": {
        "title": "TITLE_MR",
        "givenName": "Bruno",
        "familyName": "Exemple",
        "email": "bruno@boutique.example",
    },
}
_SHOPS = {
    "12345678": ("halles", "Boutique du port", {"form-test": "1122334455667788"}),
    "69876357": (
        "halles",
        "Marché en ligne",
        {
            "rest-password-test": "testpassword_DEMOPRIVATEKEY23G4475zXZQ2UA5x7M",
            "public-test": "69876357:testpublickey_DEMOPUBLICKEY95me92597fd28tGD4r5",
            "hmac-test": "38453613e7f44dc58732bad3dca2bca3",
        },
    ),
    "27656401": ("atelier", "Atelier Lumière", {}),
}
_READY = "69876357"
"""The shop that has done its tests; it has production keys, which are made up."""
_PRODUCTION_KEYS = {
    "form-production": "8877665544332211",
    "rest-password-production": "prodpassword_DEMOPRIVATEKEY23G4475zXZQ2UA5x7M",
    "public-production": "69876357:publickey_DEMOPUBLICKEY95me92597fd28tGD4r5",
    "hmac-production": "3acb2dac3dbd23678cd44f7e35163548",
}
_TESTS = {
    "000001": ("PAYMENT_OUTCOME_ACCEPTED", "CB"),
    "000002": ("PAYMENT_OUTCOME_ACCEPTED", "MASTERCARD"),
    "000003": ("PAYMENT_OUTCOME_REFUSED", "CB"),
    "000004": ("PAYMENT_OUTCOME_REFUSED", "MAESTRO"),
}
_PEOPLE: dict[str, tuple[dict[str, str], str]] = {
    "alice": ({"halles": "ROLE_OWNER"}, "owner of Les Halles du Port"),
    "bruno": (
        {"halles": "ROLE_DEVELOPER", "atelier": "ROLE_OWNER"},
        "developer there, owner of Atelier Lumière",
    ),
    "chloe": ({"atelier": "ROLE_ADMINISTRATOR"}, "administrator of Atelier Lumière"),
    "remi": ({"halles": "ROLE_READER"}, "reader of Les Halles du Port"),
    "olga": ({}, "operator of the platform"),
}
_WELCOME = {
    "texts": [
        {"languageCode": "fr", "title": "Bienvenue", "body": "Votre Back Office est ouvert."},
        {"languageCode": "en", "title": "Welcome", "body": "Your Back Office is open."},
    ]
}


def load(platform: Platform) -> dict[str, Any]:
    """Makes what is not there yet on a healthy `platform`, and returns what visitors need to get in.

    `logins`: a list of {"login", "password", "about"}; `clients`: a list of {"client_id", "client_secret",
    "redirect_uris", "about"}. It runs at every start and finds what an earlier run made.
    """
    bootstrap = Bootstrap(platform)
    try:
        return _load(bootstrap, platform)
    finally:
        bootstrap.close()


def _load(bootstrap: Bootstrap, platform: Platform) -> dict[str, Any]:
    once, call = bootstrap.once, bootstrap.call
    companies = {
        key: once(f"company {key}", partial(_open_company, bootstrap, record))
        for key, record in _COMPANIES.items()
    }
    for shop_id, (owner, label, keys) in _SHOPS.items():
        once(f"shop {shop_id}", partial(_open_shop, bootstrap, companies[owner], shop_id, label, keys))
    ready = f"{companies[_SHOPS[_READY][0]]}/shops/{_READY}"
    once(f"production {_READY}", partial(_make_ready, bootstrap, ready))
    logins = [
        once(f"login {login}", partial(_open_account, bootstrap, login, companies)) for login in _PEOPLE
    ]
    for key, name in companies.items():
        once(
            f"welcome {key}",
            partial(call, "MessageService/CreateMessage", {"parent": name, "message": _WELCOME}),
        )
    clients = [
        _client(bootstrap, "demo-app", ""),
        _client(bootstrap, "demo-server", bootstrap.secret("demo-server")),
    ]
    return {
        "logins": logins,
        "clients": clients,
        "companies": companies,
        "internal": {"payment-engine": str(platform.layout.certificates / "payment-engine")},
    }


class Bootstrap:
    """The operator's set-up tool: calls by its own certificate, and remembers what it has done."""

    def __init__(self, platform: Platform) -> None:
        self._clients = {
            name: Client(address, platform.layout.certificates / "bootstrap")
            for name, address in platform.addresses.items()
        }
        self._methods: dict[str, Method] = {
            f"{m.service.rpartition('.')[2]}/{m.name}": m for m in every_method()
        }
        self._notes: Path = platform.layout.secrets / "demonstration.json"
        self._done: dict[str, Any] = json.loads(self._notes.read_text()) if self._notes.exists() else {}

    def call(self, name: str, request: dict[str, Any]) -> dict[str, Any]:
        """Calls `Service/Method`."""
        method = self._methods[name]
        client = self._clients[method.service.split(".")[1]]
        answer = _patient(lambda: client.call(method, ParseDict(request, method.request()), seconds=30))
        result: dict[str, Any] = MessageToDict(answer)
        return result

    def once(self, step: str, do: Callable[[], Any]) -> Any:
        """The result of the step, done now or by an earlier run."""
        if step not in self._done:
            self._done[step] = do()
            files.write(self._notes, json.dumps(self._done).encode())
        return self._done[step]

    def secret(self, name: str) -> str:
        """A random secret, the same at every start."""
        secret: str = self.once(f"secret {name}", lambda: secrets.token_urlsafe(32))
        return secret

    def close(self) -> None:
        for client in self._clients.values():
            client.close()


def _patient(call: Callable[[], Message]) -> Message:
    """The answer of a call that may come before its service has heard of the company that it is for."""
    until = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return call()
        except NotReady:
            if time.monotonic() > until:
                raise
            time.sleep(_PAUSE_SECONDS)


def _open_company(bootstrap: Bootstrap, record: dict[str, Any]) -> str:
    company = bootstrap.call("CompanyService/CreateCompany", {"company": {**record, **_CONTACTS}})
    name: str = company["name"]
    return name


def _open_shop(bootstrap: Bootstrap, company: str, shop_id: str, label: str, keys: dict[str, str]) -> str:
    shop = {"displayName": label, "url": "https://boutique.example", "managerEmail": "alice@boutique.example"}
    opened = bootstrap.call("ShopService/CreateShop", {"parent": company, "shop": shop, "shopId": shop_id})
    for key, value in keys.items():
        bootstrap.call("KeyService/ImportKey", {"name": f"{opened['name']}/keys/{key}", "value": value})
    name: str = opened["name"]
    return name


def _make_ready(bootstrap: Bootstrap, shop: str) -> None:
    """Tells of the four test payments that open production, and brings production keys along."""
    now = datetime.now(UTC).isoformat()
    for transaction, (outcome, brand) in _TESTS.items():
        test = {
            "shop": shop,
            "transactionId": transaction,
            "outcome": outcome,
            "brand": brand,
            "paymentTime": now,
        }
        bootstrap.call("GoLiveService/ReportTestPayment", test)
    for key, value in _PRODUCTION_KEYS.items():
        bootstrap.call("KeyService/ImportKey", {"name": f"{shop}/keys/{key}", "value": value})


def _open_account(bootstrap: Bootstrap, login: str, companies: dict[str, str]) -> dict[str, str]:
    places, about = _PEOPLE[login]
    password = _password()
    user = {
        "login": login,
        "email": f"{login}@boutique.example",
        "givenName": login.capitalize(),
        "familyName": "Exemple",
        "languageCode": "fr",
        "timeZone": "Pacific/Noumea",
    }
    account = bootstrap.call(
        "UserService/CreateUser", {"user": user, "initialPassword": password, "operator": not places}
    )
    for company, role in places.items():
        membership = {"user": account["name"], "role": role, "allShops": True}
        bootstrap.call(
            "MembershipService/CreateMembership", {"parent": companies[company], "membership": membership}
        )
    return {"login": login, "password": password, "about": about}


def _client(bootstrap: Bootstrap, client_id: str, secret: str) -> dict[str, Any]:
    client = {
        "clientId": client_id,
        "displayName": "Application de démonstration",
        "redirectUris": [REDIRECT],
        "scopes": SCOPES,
        "grantTypes": ["authorization_code", "refresh_token", TOKEN_EXCHANGE],
    }
    bootstrap.call("OAuthService/PutClient", {"client": client, "clientSecret": secret})
    about = "confidential" if secret else "public"
    return {"client_id": client_id, "client_secret": secret, "redirect_uris": [REDIRECT], "about": about}


def _password() -> str:
    """Twenty characters, at least a letter and a digit."""
    alphabet = string.ascii_letters + string.digits
    body = "".join(secrets.choice(alphabet) for _ in range(18))
    return body + secrets.choice(string.ascii_letters) + secrets.choice(string.digits)

"""A gateway over a real identity service, with a person, companies and applications in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from google.protobuf.message import Message
from werkzeug.test import TestResponse

from services.chassis import signing_keys
from services.chassis.contract import Method
from services.chassis.testing.running import Running
from services.chassis.testing.tokens import ISSUER
from services.gateway.app import create_app
from services.gateway.backend import Backend
from services.gateway.bearer import published_keys
from services.gateway.config import GatewaySettings
from services.gateway.oauth.places import AUTHORIZE, with_query
from services.gateway.oauth.tests.browser import Browser, answer_in
from services.identity.oauth.codes import s256
from services.identity.service import IDENTITY
from services.identity.tests.acts import PASSWORD, REDIRECT, VERIFIER, Acts

COOKIE_KEY = "a cookie key of tests, forty characters!"
ALL_SCOPES = ["openid", "profile", "email", "account", "company", "users", "shop", "inbox"]


@dataclass
class Past:
    """A clock that a test sets back, to have something happen some time ago."""

    ago: timedelta = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) - self.ago

    @contextmanager
    def since(self, **span: float) -> Iterator[None]:
        """Inside the block it is so much earlier."""
        self.ago = timedelta(**span)
        yield
        self.ago = timedelta()


class CountedBackend(Backend):
    """The real one, which also notes the methods it calls."""

    def __init__(self, addresses: dict[str, str], tls_directory: Path) -> None:
        super().__init__(addresses, tls_directory)
        self.calls: list[str] = []

    def call(self, method: Method, request: Message, **more: Any) -> Message:
        self.calls.append(method.name)
        return super().call(method, request, **more)


@dataclass(frozen=True)
class Gateway:
    """What the tests of a module talk to."""

    app: Flask
    acts: Acts
    past: Past
    """Identity's clock."""
    calls: list[str]
    """Methods of identity that the gateway called."""

    def browser(self) -> Browser:
        return Browser(self.app)

    def signed_in(self, login: str) -> Browser:
        """A browser in which this person has signed in."""
        browser = self.browser()
        browser.submit(browser.get("/sign-in"), login=login, password=PASSWORD)
        return browser

    def application(self, **changes: Any) -> str:
        """The id of a registered application."""
        return self.acts.client(**{"scopes": ALL_SCOPES, **changes}).client_id

    def redeem(self, client_id: str, code: str) -> dict[str, str]:
        """The tokens for a public application's code."""
        form = {
            "grant_type": "authorization_code",
            "client_id": client_id,
            "code": code,
            "redirect_uri": REDIRECT,
            "code_verifier": VERIFIER,
        }
        answer = self.browser().post("/oauth2/token", form)
        assert answer.status_code == 200, answer.text
        tokens: dict[str, str] = answer.get_json()
        return tokens

    def member(self, companies: int = 1) -> str:
        """The login of a person with a place in so many companies."""
        person = self.acts.person()
        for n in range(companies):
            self.acts.place(self.acts.company(display_name=f"Société {n + 1}"), person.name)
        return person.login


@dataclass(frozen=True)
class Request:
    """An authorization request that is in order, until a test changes something."""

    client_id: str
    changes: dict[str, str | None] = field(default_factory=dict)

    def but(self, **changes: str | None) -> Request:
        """With these parameters changed; None leaves one out."""
        return Request(self.client_id, {**self.changes, **changes})

    @property
    def path(self) -> str:
        values = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": REDIRECT,
            "scope": "openid profile email account shop",
            "state": "état & more",
            "nonce": "once",
            "code_challenge": s256(VERIFIER),
            "code_challenge_method": "S256",
            **self.changes,
        }
        return with_query(AUTHORIZE, [(name, value) for name, value in values.items() if value is not None])


def error_in(response: TestResponse) -> str:
    """The error that goes to the application, with all that every authorization response must carry."""
    assert response.status_code == 303, response.text
    assert response.location.startswith(f"{REDIRECT}?")
    answer = answer_in(response)
    assert (answer["iss"], answer["state"]) == (ISSUER, "état & more")
    return answer["error"]


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys that are fetched for the first time arrive however busy the machine is."""
    monkeypatch.setattr(signing_keys, "PATIENCE_SECONDS", 10.0)


@pytest.fixture(scope="module")
def past() -> Past:
    return Past()


@pytest.fixture(scope="module")
def identity(run_service: Callable[..., Running], past: Past) -> Running:
    return run_service(IDENTITY, clock=past)


@pytest.fixture(scope="module")
def start(
    identity: Running, past: Past, certificates: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Gateway]]:
    """Starts gateways: over the module's identity service or another, or over one that is away."""
    backends = []

    def gateway(
        directory: Path | None = None,
        *,
        over: Running | None = None,
        online: bool = True,
        cookie_key: str = COOKIE_KEY,
    ) -> Gateway:
        chosen, place = over or identity, directory or tmp_path_factory.mktemp("gateway")
        settings = settings_in(place, certificates, cookie_key)
        address = f"127.0.0.1:{chosen.server.port}" if online else "127.0.0.1:1"
        backend = CountedBackend({"identity": address}, settings.tls_directory)
        backends.append(backend)
        return Gateway(
            create_app(settings, backend, published_keys(backend, place)), Acts(chosen), past, backend.calls
        )

    yield gateway
    for each in backends:
        each.close()


@pytest.fixture(scope="module")
def gateway(start: Callable[..., Gateway]) -> Gateway:
    return start()


@pytest.fixture(scope="module")
def second_gateway(start: Callable[..., Gateway]) -> Gateway:
    return start()


@pytest.fixture(scope="module")
def offline(start: Callable[..., Gateway]) -> Gateway:
    """Over an identity service that does not answer."""
    return start(online=False)


@pytest.fixture(scope="module")
def throttled(start: Callable[..., Gateway], run_service: Callable[..., Running]) -> Gateway:
    """Over an identity service that takes two failures from one place."""
    return start(over=run_service(IDENTITY, source_tries=2))


def settings_in(directory: Path, certificates: Path, cookie_key: str) -> GatewaySettings:
    """Settings of a gateway that nobody reaches over the network."""
    key = directory / "cookie-key"
    key.write_text(cookie_key)
    return GatewaySettings(
        listen="127.0.0.1:0",
        metrics_listen="127.0.0.1:0",
        web_tls_directory=directory,
        tls_directory=certificates / "gateway",
        cookie_key_file=key,
        issuer=ISSUER,
        state_directory=directory,
        identity_address="127.0.0.1:1",
        company_address="127.0.0.1:1",
        shop_address="127.0.0.1:1",
        media_address="127.0.0.1:1",
        inbox_address="127.0.0.1:1",
    )

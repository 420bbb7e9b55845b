"""What signing in costs beside the hashing that is meant to cost, and tokens beside another provider's."""

from __future__ import annotations

import secrets
import statistics
import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlencode

import requests

from bench import cpu, load, metrics, people
from bench.comparisons import postgres
from bench.load import Call, Send
from bench.measure import ROUNDS, Subject, measure
from bench.oidc import server as oidc
from bench.report import Figure, Line
from deploy.local import topology
from deploy.local.browser import Application, Forms
from deploy.local.platforms import Platform
from deploy.local.processes import Supervisor
from services.chassis.clock import system_clock
from services.chassis.testing.tokens import ISSUER, Mint
from services.chassis.tokens import TokenVerifier
from services.identity.passwords import PLACES

TOKENS, PASSWORDS = 800, 100
"""Calls a round."""
_FEWEST_TOKENS, _FEWEST_PASSWORDS = 200, 20
LEAST_TOKENS = 0.35
MOST_BESIDE_HASHING = 0.15
MOST_CHECK_MICROSECONDS = 3.0
_CHECKS, _FEWEST_CHECKS = 200_000, 10_000
_HASHING = "comptoir_password_hashing_cpu_seconds_total"
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def issued_tokens(platform: Platform, supervisor: Supervisor, scale: float) -> list[Line]:
    """Access tokens for applications by their secrets, beside those of a provider that keeps everything in memory."""
    authority, gateway = Path(platform.description["ca"]), platform.description["gateway"]
    secret = secrets.token_urlsafe(32)
    port, provider = oidc.start(supervisor, platform.layout.certificates / "web", authority, secret)
    theirs = load.https(f"https://localhost:{port}", authority, _asking("/token", "bench", secret))
    ours = load.https(gateway, authority, _asking("/oauth2/token", *_application(platform)))
    peer, measured = measure(
        [
            Subject("oidc-provider", theirs, {"oidc-provider": provider.pid}),
            Subject("tokens for client credentials", ours, _processes(platform)),
        ],
        max(int(TOKENS * scale), _FEWEST_TOKENS),
    )
    return [Line(measured, peer, ("gateway", "identity"), least=LEAST_TOKENS)]


def _asking(path: str, client_id: str, client_secret: str) -> Callable[[Send], Call]:
    asked = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
    form = urlencode(asked).encode()
    return lambda send: lambda: load.require(send("POST", path, _FORM, form), HTTPStatus.OK)


def _application(platform: Platform) -> tuple[str, str]:
    """Id and secret of an application that is registered for this."""
    headers = people.authorization(platform, "applications shop")

    def call(path: str, body: dict[str, object]) -> dict[str, str]:
        address = f"{platform.description['gateway']}/v1/{path}"
        answer = requests.post(
            address,
            json=body,
            headers=headers,
            verify=platform.description["ca"],
            timeout=load.PATIENCE_SECONDS,
        )
        answer.raise_for_status()
        found: dict[str, str] = answer.json()
        return found

    wanted = {
        "displayName": "Figures",
        "clientAuthentication": "CLIENT_AUTHENTICATION_SECRET",
        "scopes": ["shop.read"],
        "grantTypes": ["client_credentials"],
        "allShops": True,
    }
    made = call(f"{platform.description['companies']['halles']}/applications", wanted)
    return made["clientId"], call(f"{made['name']}:generateSecret", {})["clientSecret"]


def password_posts(platform: Platform, scale: float) -> list[Figure]:
    """All that gateway and identity do for a password beside hashing it once."""
    headers, form = _filled(platform, people.login(platform)["password"])

    def sign_in(send: Send) -> Call:
        return lambda: load.require(send("POST", "/sign-in", headers, form), HTTPStatus.SEE_OTHER)

    gateway, authority = platform.description["gateway"], Path(platform.description["ca"])
    identity = topology.address(platform.ports, "identity-metrics")
    posts = Subject("password", load.https(gateway, authority, sign_in), _own(platform), PLACES)
    spent, hashed = _spent(platform), metrics.counted(identity, _HASHING)
    (measured,) = measure([posts], max(int(PASSWORDS * scale), _FEWEST_PASSWORDS))
    spent, hashed = _spent(platform) - spent, metrics.counted(identity, _HASHING) - hashed
    share, whole = (spent - hashed) / spent, measured.microseconds()
    title = "a password signed in with: CPU µs of gateway and identity beside the hashing, as a share of all"
    return [Figure(title, whole * share, "hashing", whole * (1 - share), share, MOST_BESIDE_HASHING)]


def _spent(platform: Platform) -> float:
    return sum(cpu.seconds(process) for process in _own(platform).values())


def token_checks(scale: float) -> list[Figure]:
    """A token that was seen before, in this process."""
    mint = Mint()
    verifier, token = TokenVerifier(ISSUER, mint.find, system_clock), mint.token()
    count = max(int(_CHECKS * scale), _FEWEST_CHECKS)
    verifier.verify(token)
    found = statistics.median(_check_round(verifier, token, count) for _ in range(ROUNDS))
    most = MOST_CHECK_MICROSECONDS
    return [Figure("a token seen before is checked, µs", found, "limit", most, found / most, 1.0)]


def _check_round(verifier: TokenVerifier, token: str, count: int) -> float:
    begun = time.process_time()
    for _ in range(count):
        verifier.verify(token)
    return (time.process_time() - begun) / count * 1e6


def _filled(platform: Platform, password: str) -> tuple[dict[str, str], bytes]:
    """The form of the sign-in page, filled in, and the headers of a browser that signed in before."""
    browser = Application(platform.description["gateway"], platform.description["ca"])
    browser.sign_in(people.LOGIN, password)
    gateway = browser.gateway
    page = requests.get(
        f"{gateway}/sign-in", cookies=browser.session.cookies, verify=browser.authority, timeout=30
    )
    fields = max(Forms(page.text).found, key=lambda each: len(each["fields"]))["fields"]
    cookies = {**browser.session.cookies.get_dict(), **page.cookies.get_dict()}
    headers = {
        **_FORM,
        "Origin": gateway,
        "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
    }
    return headers, urlencode({**fields, "login": people.LOGIN, "password": password}).encode()


def _processes(platform: Platform) -> dict[str, int]:
    return {**_own(platform), **postgres(platform)}


def _own(platform: Platform) -> dict[str, int]:
    return {name: platform.process(name).pid for name in ("gateway", "identity")}

"""Known secrets pass through a real platform and are then nowhere: not in PostgreSQL's files, its log of writes or a
dump, not in logs or scratch files, not in the environment or arguments of a process, not in an error page.

What must be there is looked for in the same places, so that a search that looks at nothing fails.
"""

from __future__ import annotations

import secrets
import string
import subprocess
from dataclasses import dataclass, field
from functools import partial

import pytest
import requests

from comptoir.shop.v1 import signature_pb2
from deploy.local import databases
from deploy.local.binaries import locate
from deploy.local.browser import Application, Merchant
from deploy.local.demonstration import REDIRECT, SCOPES, Bootstrap
from deploy.local.platforms import Platform
from deploy.local.ports import SERVICES
from deploy.local.postgres import Cluster
from services.chassis.rpc.client import Client
from services.chassis.testing.running import METHODS
from services.chassis.vault.kek_file import read
from tests.secrets.searching import Search, of_processes

pytestmark = pytest.mark.slow

_GENERATED = ("hmac-production", "rest-password-production")
FIELDS = {"vads_ctx_mode": "TEST", "vads_amount": "5124"}


def _random(length: int, prefix: str = "") -> str:
    letters = string.ascii_letters + string.digits
    return prefix + "".join(secrets.choice(letters) for _ in range(length - 2)) + "a1"


@dataclass
class Passage:
    """What went through the platform: secrets that must be nowhere, controls that must be found."""

    platform: Platform
    secrets: dict[str, str] = field(default_factory=dict)
    label: str = field(default_factory=lambda: _random(24, "Controle"))
    """A shop's name, which is no secret."""
    request_id: str = field(default_factory=lambda: _random(24, "request"))
    refusals: list[requests.Response] = field(default_factory=list)
    pages: list[requests.Response] = field(default_factory=list)
    """What somebody saw who typed a wrong password."""

    def secret(self, name: str, value: str) -> str:
        self.secrets[name] = value
        return value

    @property
    def cluster(self) -> Cluster:
        return Cluster(self.platform.layout.postgres, self.platform.ports["postgres"])

    def search(self) -> Search:
        return Search({name: value.encode() for name, value in self.secrets.items()} | self._keys())

    def controls(self) -> Search:
        return Search({"label": self.label.encode(), "request": self.request_id.encode()})

    def _keys(self) -> dict[str, bytes]:
        """What processes are given in files, and only there."""
        directory, found = self.platform.layout.secrets, {}
        for path in (*directory.glob("*/*-password"), *directory.glob("*/c*-key")):
            found[f"{path.parent.name} {path.name}"] = path.read_bytes().strip()
        for service in SERVICES:
            generations, _ = read(self.platform.layout.secret(service, "kek"))
            found.update({f"{service} KEK": each.key.reveal() for each in generations if each.key})
        assert len(found) >= 5 * len(SERVICES)
        return found


@pytest.fixture(scope="module")
def passage(platform: Platform) -> Passage:
    passed = Passage(platform)
    bootstrap = Bootstrap(platform)
    try:
        _drive(passed, bootstrap)
    finally:
        bootstrap.close()
    # What was written is in the log of writes already; from now on it is in the tables' files too.
    with passed.cluster.server.administrator() as connection:
        connection.execute("checkpoint")
    return passed


def _drive(passed: Passage, bootstrap: Bootstrap) -> None:
    company = passed.platform.description["companies"]["atelier"]
    shop = bootstrap.call(
        "ShopService/CreateShop",
        {"parent": company, "shop": {"displayName": passed.label, "url": "https://boutique.example"}},
    )["name"]
    keys = {
        "form-test": _random(16),
        "rest-password-test": _random(45, "testpassword_"),
        "hmac-test": _random(45),
        "form-production": _random(16),
    }
    for key_id, value in keys.items():
        passed.secret(f"key {key_id}", value)
        bootstrap.call("KeyService/ImportKey", {"name": f"{shop}/keys/{key_id}", "value": value})
    person = _person(passed, bootstrap, company)
    merchant = _signed_in(passed, bootstrap, person)
    _used(passed, merchant, shop)
    _revealed(passed, merchant, shop)
    _refused(passed, merchant, shop, person)
    for login in passed.platform.description["logins"]:
        passed.secret(f"password of {login['login']}", login["password"])


def _person(passed: Passage, bootstrap: Bootstrap, company: str) -> str:
    login = _random(12, "person").lower()
    user = {
        "login": login,
        "email": f"{login}@boutique.example",
        "givenName": "Ada",
        "familyName": "Exemple",
        "languageCode": "fr",
        "timeZone": "Pacific/Noumea",
    }
    password = passed.secret("password", _random(24))
    made = bootstrap.call("UserService/CreateUser", {"user": user, "initialPassword": password})
    membership = {"user": made["name"], "role": "ROLE_OWNER", "allShops": True}
    bootstrap.call("MembershipService/CreateMembership", {"parent": company, "membership": membership})
    return login


def _signed_in(passed: Passage, bootstrap: Bootstrap, login: str) -> Merchant:
    """Through a confidential client, whose every secret is kept; once more by its refresh token."""
    client_id, client_secret = _random(12, "client").lower(), passed.secret("client secret", _random(40))
    client = {
        "clientId": client_id,
        "displayName": "Application",
        "redirectUris": [REDIRECT],
        "scopes": SCOPES,
        "grantTypes": ["authorization_code", "refresh_token"],
    }
    bootstrap.call("OAuthService/PutClient", {"client": client, "clientSecret": client_secret})
    description = passed.platform.description
    application = Application(description["gateway"], description["ca"], client_id, client_secret)
    application.session.hooks["response"].append(lambda answer, **_: _noted(passed, answer))
    tokens = application.sign_in(login, passed.secrets["password"])
    again = application.redeem(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    for name in ("access_token", "refresh_token"):
        passed.secret(name, tokens[name])
        passed.secret(f"later {name}", again[name])
    for cookie in application.session.cookies:
        if cookie.value:
            passed.secret(f"cookie {cookie.name}", cookie.value)
    return Merchant(application.gateway, application.authority, again["access_token"])


def _noted(passed: Passage, answer: requests.Response) -> None:
    """Keeps the authorization code, which comes back in an address."""
    _, _, rest = answer.headers.get("Location", "").partition("code=")
    if rest:
        passed.secret("authorization code", rest.partition("&")[0])


def _used(passed: Passage, merchant: Merchant, shop: str) -> None:
    headers = {"X-Request-Id": passed.request_id}
    read = merchant.get(f"/v1/{shop}/keys", headers=headers)
    assert read.status_code == 200, read.text
    changed = merchant.patch(
        f"/v1/{shop}",
        json={"url": "https://boutique.example/autre"},
        headers={**headers, "If-Match": merchant.get(f"/v1/{shop}").headers["ETag"]},
    )
    assert changed.status_code == 200, changed.text
    engine = Client(passed.platform.addresses["shop"], passed.platform.layout.certificates / "payment-engine")
    try:
        engine.call(
            METHODS["SignatureService/SignForm"], signature_pb2.SignFormRequest(shop=shop, fields=FIELDS)
        )
    finally:
        engine.close()


def _revealed(passed: Passage, merchant: Merchant, shop: str) -> None:
    """Values in clear: one that was brought, and some that nobody knew before; each is then presented."""
    for key_id in ("form-test", *_GENERATED):
        if key_id in _GENERATED:
            made = merchant.request("POST", f"/v1/{shop}/keys/{key_id}:generate", json={})
            assert made.status_code == 200, made.text
        # Under a key of its own, so that what is kept for repetitions is looked through too.
        headers = {"Idempotency-Key": secrets.token_hex(16)}
        shown = merchant.request("POST", f"/v1/{shop}/keys/{key_id}:reveal", json={}, headers=headers)
        assert (shown.status_code, shown.headers["Cache-Control"]) == (200, "no-store"), shown.text
        value = shown.json()["value"]
        assert key_id in _GENERATED or value == passed.secrets[f"key {key_id}"]
        passed.secret(f"revealed {key_id}", value)
    engine = Client(passed.platform.addresses["shop"], passed.platform.layout.certificates / "payment-engine")
    user, verify = shop.rpartition("/")[2], METHODS["SignatureService/VerifyCredentials"]
    verdicts: list[signature_pb2.Verdict] = []
    try:
        for password in ("key rest-password-test", "revealed rest-password-production", "refused password"):
            given = passed.secrets.get(password) or passed.secret(password, _random(45, "prodpassword_"))
            request = signature_pb2.VerifyCredentialsRequest(user=user, password=given)
            verdict = engine.call(verify, request)
            assert isinstance(verdict, signature_pb2.Verdict)
            verdicts.append(verdict)
    finally:
        engine.close()
    assert [verdict.valid for verdict in verdicts] == [True, True, False]


def _refused(passed: Passage, merchant: Merchant, shop: str, login: str) -> None:
    """Wrong requests that carry secrets: right ones in the wrong place, and ones of nobody's."""
    wrong = passed.secret("wrong password", _random(24))
    key = passed.secret("refused key", _random(45, "testpassword_"))
    post = partial(requests.post, verify=merchant.authority, timeout=30)
    token = f"{merchant.gateway}/oauth2/token"
    passed.refusals += [
        merchant.request("POST", f"/v1/{shop}/keys/form-test:import", json={"value": key}),
        merchant.request("POST", f"/v1/{shop}/keys/form-test:regenerate", json={"format": key}),
        merchant.request("POST", f"/v1/{shop}/keys/form-test:regenerate", data=key),
        merchant.get(f"/v1/{shop}/keys/{key}", headers={"Idempotency-Key": key}),
        merchant.patch(f"/v1/{shop}", json={"displayName": wrong, "unknown": key}),
        Merchant(merchant.gateway, merchant.authority, wrong).get(f"/v1/{shop}"),
        post(token, data={"grant_type": "refresh_token", "refresh_token": key, "client_id": "demo-app"}),
        post(token, data={"grant_type": "authorization_code", "code": key, "client_secret": wrong}),
        post(token, data={"grant_type": key}, auth=(login, wrong)),
    ]
    application = Application(merchant.gateway, merchant.authority)
    application.session.hooks["response"].append(lambda answer, **_: passed.pages.append(answer))
    with pytest.raises(AssertionError):
        application.sign_in(login, wrong)


def names(passage: Passage) -> set[str]:
    return set(passage.secrets)


def test_everything_that_should_pass_through_did(passage: Passage) -> None:
    expected = {"password", "client secret", "authorization code", "access_token", "refresh_token"}

    revealed = {f"revealed {key_id}" for key_id in ("form-test", *_GENERATED)}

    assert expected | revealed <= names(passage)
    assert any(name.startswith("cookie ") for name in names(passage))


def test_no_file_of_postgresql_holds_a_secret(passage: Passage) -> None:
    data = passage.cluster.data

    assert passage.search().in_files([data]) == set()
    found = passage.controls().in_files([data / "base"]), passage.controls().in_files([data / "pg_wal"])
    assert [{name for name, _ in each} for each in found] == [{"label", "request"}, {"label", "request"}]


def test_no_dump_holds_a_secret(passage: Passage) -> None:
    program = locate({}).program("pg_dump")
    dumps = [_dump(passage, program, service) for service in SERVICES]

    assert [passage.search().in_bytes(dump) for dump in dumps] == [set()] * len(SERVICES)
    assert passage.controls().in_bytes(b"".join(dumps)) == {"label", "request"}


def _dump(passage: Passage, program: str, service: str) -> bytes:
    # As the administrator: to everybody else row-level security would show less than there is.
    url = passage.cluster.server.administrator_url.rpartition("/")[0]
    command = (program, f"--dbname={url}/{databases.database_name(service)}")
    return subprocess.run(command, check=True, capture_output=True, timeout=120).stdout


def test_no_log_and_no_scratch_file_holds_a_secret(passage: Passage) -> None:
    layout = passage.platform.layout
    kept = [layout.logs, layout.root / "state", layout.root / "checkpoints", layout.media]

    assert passage.search().in_files(kept) == set()
    assert passage.controls().in_files([layout.logs]) >= {("request", "gateway.log"), ("request", "shop.log")}


@pytest.mark.parametrize(
    ("part", "control"), [("environ", b"COMPTOIR_KEK_FILE="), ("cmdline", b"services.shop")]
)
def test_no_process_is_told_a_secret(passage: Passage, part: str, control: bytes) -> None:
    told = of_processes(part)

    assert control in told
    assert passage.search().in_bytes(told) == set()


def test_no_refusal_repeats_a_secret(passage: Passage) -> None:
    statuses = [answer.status_code for answer in passage.refusals]
    wrong = [page for page in passage.pages if page.request.method == "POST"]

    assert len(statuses) == 9
    assert all(400 <= status < 500 for status in statuses), statuses
    assert wrong != []
    for answer in (*passage.refusals, *wrong):
        assert passage.search().in_bytes(_whole(answer)) == set(), answer.url


def _whole(answer: requests.Response) -> bytes:
    return answer.content + repr(sorted(answer.headers.items())).encode()

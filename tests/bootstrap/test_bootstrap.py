"""One command prepares a production platform, with an operator and nothing of a demonstration; another lets back in."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from cryptography import x509

from deploy.local import databases
from deploy.local.layout import Layout
from deploy.local.ports import SERVICES
from deploy.local.postgres import Cluster, temporary_cluster
from services.chassis.config import DatabaseSettings
from services.chassis.db.database import Database
from services.chassis.db.scope import Scope
from services.chassis.errors import Precondition
from services.chassis.vault.configured import configured_vault
from services.identity.links import RESET, Links
from services.identity.service import IDENTITY

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow
ISSUER = "https://pay.example"
OPERATOR = {
    "login": "olga",
    "email": "olga@platform.example",
    "given-name": "Olga",
    "family-name": "Exemple",
}


@dataclass(frozen=True)
class Scratch:
    """A platform that was prepared on a scratch server."""

    cluster: Cluster
    layout: Layout

    def bootstrap(self, **changes: str) -> subprocess.CompletedProcess[str]:
        url = self.layout.root.parent / "administrator-url"
        url.write_text(self.cluster.server.administrator_url)
        given = {
            "postgres-url-file": str(url),
            "issuer": ISSUER,
            "domain": "comptoir.example",
            **OPERATOR,
            **changes,
        }
        options = [part for name, value in given.items() for part in (f"--{name}", value)]
        return _run("deploy.bootstrap", str(self.layout.root), *options)

    def identity(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return _run(
            "services.identity",
            *arguments,
            COMPTOIR_DATABASE_URL_FILE=str(databases.url_file(self.layout.secrets, "identity", "svc")),
            COMPTOIR_KEK_FILE=str(self.layout.secret("identity", "kek")),
            COMPTOIR_ISSUER=ISSUER,
        )

    def rows(self, query: str, service: str = "identity") -> list[tuple[object, ...]]:
        with self.cluster.server.administrator(databases.database_name(service)) as connection:
            return connection.execute(query).fetchall()

    def opens(self, url: str) -> str:
        """Whose password the link sets."""
        settings = DatabaseSettings(
            database_url_file=databases.url_file(self.layout.secrets, "identity", "svc"),
            kek_file=self.layout.secret("identity", "kek"),
        )
        database = Database(settings.database_url)
        links = Links(configured_vault("identity", IDENTITY.tables.data_keys, settings), ISSUER)
        try:
            with database.transaction(Scope(read_only=True)) as db:
                value = parse_qs(urlsplit(url).query)["link"][0]
                return links.read(db, RESET, value, datetime.now(UTC)).subject
        finally:
            database.close()


def _run(module: str, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (sys.executable, "-m", module, *arguments),
        env={"PATH": os.environ["PATH"], **settings},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def link_of(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scratch]:
    with temporary_cluster() as cluster:
        yield Scratch(cluster, Layout(tmp_path_factory.mktemp("production") / "platform"))


@pytest.fixture(scope="module")
def first_link(scratch: Scratch) -> str:
    return link_of(scratch.bootstrap())


def test_the_first_operator_gets_a_link_that_lies_nowhere(scratch: Scratch, first_link: str) -> None:
    [(user, operator)] = scratch.rows("select user_id, operator from users")
    value = parse_qs(urlsplit(first_link).query)["link"][0]
    kept = [path for path in scratch.layout.root.rglob("*") if path.is_file() and value in path.read_text()]

    assert first_link.startswith(f"{ISSUER}/password/reset?")
    assert (scratch.opens(first_link), operator, kept) == (f"users/{user}", True, [])


def test_nothing_of_a_demonstration_is_there(scratch: Scratch, first_link: str) -> None:
    tables = {
        "company": ["companies"],
        "shop": ["shops"],
        "inbox": ["messages"],
        "identity": ["memberships", "clients", "sessions", "outbox"],
    }
    found = {
        table: scratch.rows(f"select count(*) from {table}", service)
        for service, names in tables.items()
        for table in names
    }
    assert set(map(tuple, found.values())) == {((0,),)}


def test_every_service_has_its_keys_certificates_and_tables(scratch: Scratch, first_link: str) -> None:
    for name in SERVICES:
        files = {path.name for path in (scratch.layout.secrets / name).iterdir()}
        certificate = x509.load_pem_x509_certificate(
            (scratch.layout.certificates / name / "tls.crt").read_bytes()
        )
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        hosts = [f"{name}.comptoir.example", f"{name}-feed.comptoir.example"]

        assert {"kek", "checkpoint-key", "owner-database-url", "svc-database-url"} <= files
        assert names.get_values_for_type(x509.DNSName) == hosts
        assert scratch.rows("select count(*) from alembic_version", name) == [(1,)]


def test_browsers_get_a_certificate_from_an_authority_that_they_know(
    scratch: Scratch, first_link: str
) -> None:
    asked = x509.load_pem_x509_csr((scratch.layout.certificates / "web" / "tls.csr").read_bytes())
    names = asked.extensions.get_extension_for_class(x509.SubjectAlternativeName).value

    assert names.get_values_for_type(x509.DNSName) == ["pay.example"]
    assert not (scratch.layout.certificates / "web" / "tls.crt").exists()


def test_a_second_run_keeps_everything_and_shows_no_second_link(scratch: Scratch, first_link: str) -> None:
    def kept() -> dict[str, bytes]:
        root = scratch.layout.root
        files = [path for path in root.rglob("*") if path.is_file() and path.parent != scratch.layout.logs]
        return {str(path): path.read_bytes() for path in files}

    before = kept()
    again = scratch.bootstrap()

    assert (again.returncode, again.stdout) == (0, ""), again.stderr
    assert kept() == before
    assert len(scratch.rows("select * from users")) == 1


def test_an_emergency_access_replaces_the_link_and_stands_in_the_history(
    scratch: Scratch, first_link: str
) -> None:
    done = scratch.identity(
        *("break-glass", "--login", "OLGA", "--by", "Noé Exemple", "--reason", "Telephone lost at sea")
    )
    fresh = link_of(done)
    [change] = scratch.rows(
        "select scope, type, actor, reason, method from changes where type like '%EmergencyAccess'"
    )

    assert change == (
        scratch.opens(fresh),
        "comptoir.identity/EmergencyAccess",
        "services/break-glass",
        "Telephone lost at sea",
        "break-glass",
    )
    assert scratch.rows("select given_by from emergency_accesses") == [("Noé Exemple",)]
    with pytest.raises(Precondition):
        scratch.opens(first_link)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--login", "olga", "--by", "Noé"), "--reason"),
        (("--login", "olga", "--by", "Noé", "--reason", "one\nline"), "--reason"),
        (("--login", "nobody", "--by", "Noé", "--reason", "Lost"), "nobody has this login"),
    ],
)
def test_an_emergency_access_without_a_reason_or_for_nobody_is_refused(
    scratch: Scratch, first_link: str, arguments: tuple[str, ...], said: str
) -> None:
    done = scratch.identity("break-glass", *arguments)

    assert (done.returncode != 0, said in done.stderr, done.stdout) == (True, True, "")


def test_everything_that_is_wrong_is_named_at_once_and_nothing_is_made(
    scratch: Scratch, tmp_path: Path
) -> None:
    wrong = {
        "issuer": "http://pay.example",
        "domain": "bad domain",
        "postgres-url-file": "/nowhere/postgres",
        "callers": "/nowhere/callers.toml",
        "login": "O L",
        "email": "olga",
        "given-name": "",
        "language-code": "xx",
        "time-zone": "Moon",
    }
    done = Scratch(scratch.cluster, Layout(tmp_path / "never")).bootstrap(**wrong)

    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert [option for option in wrong if f"--{option}" not in done.stderr] == []
    assert "--family-name" not in done.stderr
    assert not (tmp_path / "never").exists()


@pytest.mark.parametrize("domain", ["bad domain", "10.0.0.1", "pay..example", "localhost", ""])
def test_a_domain_without_names_of_hosts_is_refused(scratch: Scratch, first_link: str, domain: str) -> None:
    done = scratch.bootstrap(domain=domain)

    assert (done.returncode, "--domain" in done.stderr) == (2, True)


def test_a_new_operator_is_told_of_every_fault_at_once(scratch: Scratch, first_link: str) -> None:
    given = {**OPERATOR, "login": "O L", "time-zone": "Moon"}
    done = scratch.identity("create-operator", *(f"--{name}={value}" for name, value in given.items()))

    assert (done.returncode, done.stdout) == (1, "")
    assert "identity: --login: " in done.stderr
    assert "; --time-zone: " in done.stderr


def test_a_directory_that_is_none_is_named(scratch: Scratch, tmp_path: Path) -> None:
    (tmp_path / "platform").write_text("a file")
    with temporary_cluster() as empty:
        done = Scratch(empty, Layout(tmp_path / "platform")).bootstrap()

    assert done.returncode == 2
    assert done.stderr == f"comptoir: {tmp_path}/platform: File exists\n"


def passwords(scratch: Scratch) -> dict[str, str]:
    """What the server knows the passwords of the roles by."""
    query = "select rolname, rolpassword from pg_authid where rolcanlogin and rolname <> 'postgres'"
    return {str(role): str(verifier) for role, verifier in scratch.rows(query)}


def test_another_directory_is_refused_and_changes_nothing(
    scratch: Scratch, first_link: str, tmp_path: Path
) -> None:
    before = passwords(scratch)
    done = Scratch(scratch.cluster, Layout(tmp_path / "mistyped")).bootstrap()

    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    for said in ("comptoir_identity", "inbox_feed", f"{tmp_path}/mistyped", "(secrets)"):
        assert said in done.stderr
    assert passwords(scratch) == before
    assert not (tmp_path / "mistyped").exists()


def test_the_directory_of_another_platform_is_refused(
    scratch: Scratch, first_link: str, tmp_path: Path
) -> None:
    before = passwords(scratch)
    other = Layout(tmp_path / "other")
    shutil.copytree(scratch.layout.secrets, other.secrets)
    (other.secrets / "shop" / "svc-password").write_text("that-of-another-server")
    done = Scratch(scratch.cluster, other).bootstrap()

    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "shop_svc" in done.stderr
    assert "shop_owner" not in done.stderr
    assert "secrets/shop/svc-password" in done.stderr
    assert passwords(scratch) == before


def test_a_lost_key_is_not_made_again(scratch: Scratch, first_link: str) -> None:
    kek = scratch.layout.secret("media", "kek")
    lost = kek.rename(kek.with_name("lost"))
    try:
        done = scratch.bootstrap()
        made_again = kek.exists()
    finally:
        lost.rename(kek)

    assert (done.returncode, made_again) == (2, False)
    assert "comptoir_media" in done.stderr
    assert "secrets/media/kek" in done.stderr


def test_a_run_that_was_interrupted_is_run_again(scratch: Scratch, first_link: str) -> None:
    before = passwords(scratch)
    databases.url_file(scratch.layout.secrets, "shop", "svc").unlink()
    with scratch.cluster.server.administrator() as connection:
        connection.execute("alter role shop_feed password null")
    again = scratch.bootstrap()

    assert (again.returncode, passwords(scratch).keys()) == (0, before.keys()), again.stderr
    for role in ("svc", "feed"):
        with psycopg.connect(databases.url_file(scratch.layout.secrets, "shop", role).read_text()) as session:
            assert session.execute("select session_user").fetchone() == (f"shop_{role}",)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"issuer": "http://pay.example"}, "--issuer"),
        ({"email": "olga@", "login": "other"}, "email"),
        ({"login": "two words"}, "login"),
        ({"postgres-url-file": "/nowhere"}, "/nowhere"),
    ],
)
def test_what_is_wrong_is_named(scratch: Scratch, first_link: str, change: dict[str, str], said: str) -> None:
    done = scratch.bootstrap(**change)

    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_the_servers_administrator_is_named_in_no_file(scratch: Scratch, first_link: str) -> None:
    administrator = urlsplit(scratch.cluster.server.administrator_url).password or ""
    found = [
        path
        for path in scratch.layout.root.rglob("*")
        if path.is_file() and administrator in path.read_text()
    ]
    with psycopg.connect(scratch.cluster.server.administrator_url) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
    assert administrator == "" or found == []

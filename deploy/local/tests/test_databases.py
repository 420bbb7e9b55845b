"""Databases and roles: each service alone in its database, three roles with no more than they need."""

from pathlib import Path

import psycopg
import pytest

from deploy.local import databases
from deploy.local.postgres import Cluster

SERVICES = ("mill", "bakery")


@pytest.fixture(scope="module")
def secrets(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("secrets")
    databases.provide(cluster.server, SERVICES, directory)
    return directory


def _connect(secrets: Path, service: str, role: str) -> psycopg.Connection:
    return psycopg.connect(databases.url_file(secrets, service, role).read_text(), autocommit=True)


@pytest.mark.parametrize("role", databases.ROLES)
def test_a_role_connects_to_its_own_database_only(secrets: Path, role: str) -> None:
    with _connect(secrets, "mill", role) as connection:
        assert ("comptoir_mill", f"mill_{role}") == connection.execute(
            "SELECT current_database(), current_user"
        ).fetchone()
    theirs = databases.url_file(secrets, "mill", role).read_text().replace("comptoir_mill", "comptoir_bakery")
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(theirs)


@pytest.mark.parametrize("role", databases.ROLES)
def test_no_role_has_power_over_the_server_or_past_row_level_security(secrets: Path, role: str) -> None:
    query = (
        "SELECT rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls, rolinherit "
        "FROM pg_roles WHERE rolname = current_user"
    )
    with _connect(secrets, "mill", role) as connection:
        assert connection.execute(query).fetchone() == (False,) * 6


@pytest.mark.parametrize("role", ["svc", "feed"])
def test_only_the_owner_creates(secrets: Path, role: str) -> None:
    with _connect(secrets, "mill", role) as connection:
        for statement in ("CREATE TABLE t ()", "CREATE SCHEMA s", "CREATE TEMPORARY TABLE t ()"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
    with _connect(secrets, "mill", "owner") as connection:
        connection.execute("CREATE TABLE flour (kind text)")
        connection.execute("DROP TABLE flour")


def test_the_roles_reach_what_the_owner_grants(secrets: Path) -> None:
    with _connect(secrets, "bakery", "owner") as owner:
        owner.execute("CREATE TABLE bread (kind text)")
        owner.execute("GRANT SELECT ON bread TO bakery_feed")
    with _connect(secrets, "bakery", "feed") as feed:
        assert feed.execute("SELECT kind FROM bread").fetchall() == []
    with _connect(secrets, "bakery", "svc") as svc, pytest.raises(psycopg.errors.InsufficientPrivilege):
        svc.execute("SELECT kind FROM bread")


def test_providing_again_keeps_passwords_and_data(cluster: Cluster, secrets: Path) -> None:
    with _connect(secrets, "mill", "owner") as owner:
        owner.execute("CREATE TABLE grain (kind text)")
    before = {str(path): path.read_text() for path in secrets.rglob("*") if path.is_file()}
    databases.provide(cluster.server, SERVICES, secrets)
    assert before == {str(path): path.read_text() for path in secrets.rglob("*") if path.is_file()}
    with _connect(secrets, "mill", "owner") as owner:
        assert owner.execute("SELECT kind FROM grain").fetchall() == []


def test_only_the_owner_of_the_files_reads_them(secrets: Path) -> None:
    paths = [path for path in secrets.rglob("*") if path.is_file()]
    assert 2 * len(SERVICES) * len(databases.ROLES) == len(paths)
    assert {0o600} == {path.stat().st_mode & 0o777 for path in paths}
    assert {0o700} == {path.parent.stat().st_mode & 0o777 for path in paths}


def test_the_server_never_sees_a_password(cluster: Cluster, secrets: Path) -> None:
    """Not even in its log when every statement goes there."""
    assert cluster.process is not None
    with cluster.server.administrator() as connection:
        connection.execute("ALTER SYSTEM SET log_statement = 'all'")
        connection.execute("SELECT pg_reload_conf()")
    databases.provide(cluster.server, SERVICES, secrets)
    with cluster.server.administrator() as connection:
        connection.execute("ALTER SYSTEM RESET log_statement")
        connection.execute("SELECT pg_reload_conf()")
    log = cluster.process.log.read_text()
    assert "ALTER ROLE" in log
    assert [path for path in secrets.rglob("*-password") if path.read_text() in log] == []

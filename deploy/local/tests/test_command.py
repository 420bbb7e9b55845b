"""The command line: it says what runs, stops when asked at any moment, and never half."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import erasure, lock, ports
from deploy.local.layout import Layout
from deploy.local.postgres import Cluster
from deploy.local.topology import PROJECT

# With the standard library alone, as after a broken installation.
ERASE = "import sys; sys.path.insert(0, sys.argv.pop(1)); from deploy.local.erasure import main; main()"
RUNNING = "Comptoir is running; Ctrl-C stops it.\n"


@pytest.fixture(scope="module")
def var(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    directory = tmp_path_factory.mktemp("command") / "var"
    yield directory
    erasure.erase(directory)


@pytest.fixture
def command(var: Path) -> list[str]:
    return [sys.executable, "-m", "deploy.local.tests.sample_platform", "--var", str(var), "--free-ports"]


def _nothing_runs(var: Path) -> bool:
    """Every process of a platform holds its lock."""
    with lock.held(var / "lock"):
        return True


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_everything_is_and_stops_when_asked(
    command: list[str], var: Path, number: signal.Signals
) -> None:
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == RUNNING
        described = json.loads((var / "platform.json").read_text())
        process.send_signal(number)
        said = process.stdout.read()
    assert process.returncode == 0
    assert _nothing_runs(var)
    for place in (
        described["gateway"],
        described["mail"],
        described["grpc"]["shop"],
        str(var / "platform.json"),
    ):
        assert place in said
    assert re.search(r"zoe +made-up +guest", said)


def test_it_starts_again_at_once_after_being_killed_outright(command: list[str]) -> None:
    for number in (signal.SIGKILL, signal.SIGHUP):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == RUNNING
            process.send_signal(number)
    assert process.returncode == 0


def test_it_stops_when_asked_while_it_starts(command: list[str], var: Path) -> None:
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "Starting PostgreSQL\n"
        process.send_signal(signal.SIGINT)
    assert process.returncode == 0
    assert _nothing_runs(var)


def test_what_prevents_the_start_is_one_line_and_exit_code_2(command: list[str]) -> None:
    environ = {**os.environ, "COMPTOIR_PORT_BASE": "80"}
    done = subprocess.run(command[:-1], env=environ, capture_output=True, text=True)
    assert done.returncode == 2
    assert re.fullmatch(r"comptoir: COMPTOIR_PORT_BASE must be .*\n", done.stderr)


def test_erasing_leaves_nothing_and_waits_for_nobody(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "var")
    layout.prepare()
    cluster = Cluster(layout.postgres, ports.free(["postgres"])["postgres"])
    erase = [sys.executable, "-I", "-S", "-c", ERASE, str(PROJECT), str(layout.root)]
    try:
        with lock.held(layout.lock):
            refused = subprocess.run(erase, capture_output=True, text=True)
        assert refused.returncode == 1
        assert f"is running already (process {os.getpid()})" in refused.stderr
        assert cluster.data.parent.exists()
        assert subprocess.run(erase).returncode == 0
        assert not cluster.data.parent.exists()
        assert list(layout.root.iterdir()) == []
    finally:
        erasure.erase(layout.root)

"""Fault points end a process where they are told to, and are refused wherever that is not expressly allowed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from services.chassis import fault_points
from services.chassis.changes.checkpoint_files import newest
from services.chassis.config import ConfigError


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A process with nothing but this in its environment."""
    return subprocess.run(
        (sys.executable, "-c", code),
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


PASSES = (
    "from services.chassis import fault_points as p; p.arm()\n"
    "for n in range(5): print(n, flush=True); p.reach('call.after_commit')"
)


@pytest.mark.parametrize(
    ("points", "lines"),
    [
        ("call.after_commit=kill@3", "0\n1\n2\n"),
        ("call.after_commit=kill:1", "0\n"),
        ("call.after_commit=kill:0", "0\n1\n2\n3\n4\n"),
        ("call.before_commit=kill:1", "0\n1\n2\n3\n4\n"),
        ("mirror.after_commit=kill@9,call.after_commit=kill@1", "0\n"),
        ("", "0\n1\n2\n3\n4\n"),
    ],
)
def test_a_point_ends_the_process_when_it_was_told_to(points: str, lines: str) -> None:
    ended = run(PASSES, **fault_points.environment(points))
    assert (lines, 0 if lines.endswith("4\n") else -signal.SIGKILL) == (ended.stdout, ended.returncode)


@pytest.mark.parametrize("command", ["serve", "feed", "migrate"])
def test_a_service_refuses_to_start_with_points_that_were_not_allowed(command: str) -> None:
    code = (
        f"import sys; sys.argv = ['shop', {command!r}]; from services.chassis.service import run;"
        " from services.shop.service import SHOP; run(SHOP)"
    )
    refused = run(code, COMPTOIR_FAULT_POINTS="call.after_commit=kill@1")
    assert refused.returncode == 1
    assert "COMPTOIR_FAULT_POINTS: ends this process on purpose" in refused.stderr
    assert "COMPTOIR_FAULT_POINTS_ALLOWED" in refused.stderr


@pytest.mark.parametrize("allowed", ["", "yes", "true", "For-Tests-Only"])
def test_nothing_but_the_whole_phrase_allows_them(monkeypatch: pytest.MonkeyPatch, allowed: str) -> None:
    monkeypatch.setenv("COMPTOIR_FAULT_POINTS", "call.after_commit=kill@1")
    monkeypatch.setenv("COMPTOIR_FAULT_POINTS_ALLOWED", allowed)
    with pytest.raises(ConfigError, match="COMPTOIR_FAULT_POINTS"):
        fault_points.arm()


@pytest.mark.parametrize(
    "points",
    ["call.after_comit=kill@1", "call.after_commit", "call.after_commit=kill@0", "call.after_commit=kill:2"],
)
def test_what_cannot_be_meant_is_refused(monkeypatch: pytest.MonkeyPatch, points: str) -> None:
    for name, value in fault_points.environment(points).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=r"COMPTOIR_FAULT_POINTS: must be a list"):
        fault_points.arm()


def test_permission_alone_arms_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPTOIR_FAULT_POINTS_ALLOWED", fault_points.ALLOWED)
    fault_points.arm()
    fault_points.reach("call.after_commit")


def test_a_checkpoint_that_a_kill_interrupted_was_never_there(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from services.chassis import fault_points as p; p.arm()\n"
        "from services.chassis.changes.checkpoint_files import store\n"
        "store(pathlib.Path(sys.argv[1]), 'sample', 1, b'whole')"
    )
    for point, expected in (("checkpoint.before_rename=kill@1", 0), ("", 1)):
        environment = {"PATH": os.environ["PATH"], **fault_points.environment(point)}
        ended = subprocess.run((sys.executable, "-c", code, str(tmp_path)), env=environment, timeout=60)
        assert (0 if expected else -signal.SIGKILL, expected) == (
            ended.returncode,
            newest(tmp_path, "sample"),
        )
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"whole"]

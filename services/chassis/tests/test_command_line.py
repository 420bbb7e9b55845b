"""The command line of a service says what it takes, and refuses what it does not know."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, "-m", "services.identity", *arguments)
    return subprocess.run(command, env={}, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("arguments", [("--help",), ("-h",), ("migrate", "--help")])
def test_help_names_every_command_with_what_it_does(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: python -m services.identity ")
    for said in (
        "migrate",
        "Serves the calls",
        "vault",
        "create-operator",
        "Opens the account of an operator",
    ):
        assert said in done.stdout


@pytest.mark.parametrize("arguments", [(), ("sevre",), ("serve", "now")])
def test_what_is_no_command_is_answered_with_the_usage(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage: python -m services.identity migrate|")
    assert len(done.stderr.splitlines()) == 1

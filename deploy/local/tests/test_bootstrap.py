"""The bootstrap: what this machine lacks is one line that names the package."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.topology import PROJECT


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A fresh clone, as far as the bootstrap sees it."""
    tree = tmp_path / "clone"
    (tree / "deploy" / "local").mkdir(parents=True)
    shutil.copy(PROJECT / "deploy" / "local" / "bootstrap.sh", tree / "deploy" / "local")
    return tree


def _bootstrap(tree: Path, commands: Path) -> subprocess.CompletedProcess[str]:
    script = tree / "deploy" / "local" / "bootstrap.sh"
    return subprocess.run(
        ["/bin/sh", str(script)], env={"PATH": str(commands)}, capture_output=True, text=True
    )


def _machine(tmp_path: Path, python: str | None, module: str, source: str) -> Path:
    """A PATH with one Python, or none, for which `module` is what `source` makes it."""
    commands, patched = tmp_path / "bin", tmp_path / "patched"
    commands.mkdir()
    patched.mkdir()
    (commands / "dirname").symlink_to(shutil.which("dirname") or "/usr/bin/dirname")
    (patched / f"{module}.py").write_text(source)
    if python:
        (commands / python).write_text(f'#!/bin/sh\nPYTHONPATH="{patched}" exec {sys.executable} "$@"\n')
        (commands / python).chmod(0o755)
    return commands


@pytest.mark.parametrize("python", ["python3", "python3.12"])
def test_a_python_without_venv_names_the_package(tmp_path: Path, tree: Path, python: str) -> None:
    commands = _machine(tmp_path, python, "ensurepip", "raise ImportError")
    done = _bootstrap(tree, commands)
    message = f"comptoir: {python} lacks its venv module: install {python}-venv (Debian: apt install {python}-venv)\n"
    assert (2, message) == (done.returncode, done.stderr)
    assert not (tree / "var").exists()


def test_an_old_python_is_refused(tmp_path: Path, tree: Path) -> None:
    commands = _machine(tmp_path, "python3", "sitecustomize", "import sys; sys.version_info = (3, 10, 9)")
    done = _bootstrap(tree, commands)
    assert done.returncode == 2
    assert done.stderr.startswith("comptoir: Python 3.11 or newer is needed")
    assert len(done.stderr.splitlines()) == 1


def test_no_python_at_all_is_refused(tmp_path: Path, tree: Path) -> None:
    done = _bootstrap(tree, _machine(tmp_path, None, "unused", ""))
    assert done.returncode == 2
    assert done.stderr.startswith("comptoir: Python 3.11 or newer is needed")
    assert len(done.stderr.splitlines()) == 1

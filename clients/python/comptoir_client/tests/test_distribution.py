"""The client stands alone: on its own part of the contract, on grpcio and protobuf, and on nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import grpc
import pytest

PACKAGE = Path(__file__).parents[1]
PACKAGES = ("comptoir_client", "comptoir_rules")
PROJECT = Path(__file__).parents[4]
_NEEDED = ("grpc", "google/protobuf", "google/_upb", "typing_extensions.py")
"""What grpcio and protobuf bring; the last because grpcio asks for it."""
_USE = """
import comptoir_rules
from comptoir_client import Comptoir, verdicts
request = verdicts.VERIFY_FORM.request(shop="companies/-/shops/69876357", fields={"vads_amount": "5124"})
assert verdicts.VERIFY_FORM.request.FromString(request.SerializeToString()) == request
"""


def test_what_is_shipped_is_what_the_contract_gives(tmp_path: Path) -> None:
    made = tmp_path / "contract.binpb"
    subprocess.run([sys.executable, PROJECT / "protos" / "client_contract.py", made], check=True)

    assert (PACKAGE / "contract.binpb").read_bytes() == made.read_bytes(), "run `make generate`"


def test_it_needs_nothing_but_grpcio_and_protobuf(tmp_path: Path) -> None:
    installed = Path(grpc.__file__).parents[1]
    (tmp_path / "google").mkdir()
    for name in _NEEDED:
        (tmp_path / name).symlink_to(installed / name)
    for package in PACKAGES:
        (tmp_path / package).symlink_to(PACKAGE.parent / package)
    # Neither the environment's packages nor this project's are on the path.
    code = f"import sys; sys.path.append({str(tmp_path)!r})\n{_USE}"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
def test_it_installs_into_an_empty_environment(tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    pip: list[str | Path] = [environment / "bin" / "pip", "--disable-pip-version-check", "--quiet"]
    wheels = tmp_path / "wheels"
    # Built from a copy: building leaves traces beside the source.
    source = tmp_path / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", *PACKAGES):
        (source / name).symlink_to(PACKAGE.parent / name)
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", wheels, source], check=True)
    (wheel,) = wheels.iterdir()
    subprocess.run([*pip, "install", wheel], check=True)
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run(
        [environment / "bin" / "python", "-c", f"{_USE}\nimport comptoir_client.tests"],
        cwd=tmp_path,
        env=clean,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.rstrip().endswith("No module named 'comptoir_client.tests'"), done.stderr

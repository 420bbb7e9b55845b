"""The contract on disk: generated code is fresh, the style holds, and nothing released was broken."""

from __future__ import annotations

import filecmp
import subprocess
import sys
from pathlib import Path

import pytest

from services.chassis.contract import FILES

PROTOS = Path(__file__).parents[2] / "protos"
BUF = Path(sys.executable).parent / "buf"


def test_generated_code_is_what_the_contract_gives(tmp_path: Path) -> None:
    subprocess.run([sys.executable, PROTOS / "generate.py", tmp_path / "gen"], check=True)

    assert _differences(filecmp.dircmp(PROTOS / "gen", tmp_path / "gen", ignore=["__pycache__"])) == [], (
        "run `make generate`"
    )


def _differences(compared: filecmp.dircmp[str]) -> list[str]:
    found = [*compared.left_only, *compared.right_only, *compared.diff_files]
    return found + [name for inner in compared.subdirs.values() for name in _differences(inner)]


@pytest.mark.parametrize(
    "arguments",
    [
        ("lint", "."),
        ("format", "--exit-code", "--diff", "--exclude-path", "google", "--exclude-path", "buf"),
        ("breaking", ".", "--against", "released.binpb"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_buf_finds_nothing_to_say(arguments: tuple[str, ...]) -> None:
    result = subprocess.run([BUF, *arguments], cwd=PROTOS, capture_output=True, text=True, check=False)

    assert (result.returncode, result.stdout) == (0, "")


def test_every_file_that_declares_a_service_is_known_to_the_chassis() -> None:
    declared = {
        str(path.relative_to(PROTOS))
        for path in PROTOS.glob("comptoir/**/*.proto")
        if "\nservice " in path.read_text()
    }

    assert {file.name for file in FILES} == declared, "add it to FILES in services/chassis/contract.py"

"""What the README shows an internal service does what it says."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from deploy.local.platforms import Platform
from deploy.local.topology import PROJECT


def test_the_payment_engine_reads_resolves_signs_and_judges(platform: Platform, tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    shutil.copy(platform.layout.description, tmp_path / "var" / "platform.json")
    example = PROJECT / "docs" / "examples" / "payment_engine.py"
    done = subprocess.run(
        [sys.executable, example], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
    for said in ("shops/12345678: Boutique ", "capture on 2", "signature = ", "UNKNOWN"):
        assert said in done.stdout

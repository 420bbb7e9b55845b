"""npm `openid-client`, given nothing but the development authority, completes an application's whole life."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

CHECK = Path(__file__).parent / "openid-client"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def node() -> str:
    """Node, with the check's packages installed as locked."""
    found = shutil.which("node")
    if found is None:
        pytest.fail("this needs Node 20 or later: install it, or leave the slow tests out")
    subprocess.run(
        ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=CHECK, check=True, timeout=300
    )
    return found


@pytest.mark.parametrize("client_id", ["demo-app", "demo-server"])
def test_openid_client_signs_in_refreshes_revokes_and_logs_out(
    node: str, demonstration: dict[str, Any], client_id: str
) -> None:
    client = next(each for each in demonstration["clients"] if each["client_id"] == client_id)
    alice = next(each for each in demonstration["logins"] if each["login"] == "alice")
    given = {
        "gateway": demonstration["gateway"],
        "client_id": client_id,
        "client_secret": client.get("client_secret", ""),
        "redirect_uri": client["redirect_uris"][0],
        "login": alice["login"],
        "password": alice["password"],
    }

    run = subprocess.run(
        [node, "sign_in.mjs"],
        cwd=CHECK,
        input=json.dumps(given),
        env={**os.environ, "NODE_EXTRA_CA_CERTS": demonstration["ca"]},
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout) == {
        "issuer": demonstration["gateway"],
        "audience": client_id,
        "refreshed": True,
        "rotated": client_id == "demo-app",
        "name": "Alice Exemple",
        "after_revocation": "invalid_grant",
        "logged_out": True,
    }

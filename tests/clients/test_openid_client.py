"""npm `openid-client` and `oauth4webapi`, as they come, complete the whole lives of applications."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey

from tests.clients.registered import register

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


def ran(node: str, script: str, demonstration: dict[str, Any], given: dict[str, Any]) -> Any:
    """What the script says it saw."""
    run = subprocess.run(
        [node, script],
        cwd=CHECK,
        input=json.dumps({"gateway": demonstration["gateway"], **given}),
        env={**os.environ, "NODE_EXTRA_CA_CERTS": demonstration["ca"]},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def person(demonstration: dict[str, Any], login: str) -> dict[str, str]:
    found = next(each for each in demonstration["logins"] if each["login"] == login)
    return {"login": login, "password": found["password"]}


@pytest.mark.parametrize("client_id", ["demo-app", "demo-server"])
def test_openid_client_signs_in_refreshes_revokes_and_logs_out(
    node: str, demonstration: dict[str, Any], client_id: str
) -> None:
    client = next(each for each in demonstration["clients"] if each["client_id"] == client_id)
    given = {
        "client_id": client_id,
        "client_secret": client.get("client_secret", ""),
        "redirect_uri": client["redirect_uris"][0],
        **person(demonstration, "alice"),
    }

    assert ran(node, "sign_in.mjs", demonstration, given) == {
        "issuer": demonstration["gateway"],
        "audience": client_id,
        "refreshed": True,
        "rotated": client_id == "demo-app",
        "name": "Alice Exemple",
        "after_revocation": "invalid_grant",
        "logged_out": True,
    }


def test_openid_client_signs_pushes_and_binds_its_tokens(node: str, demonstration: dict[str, Any]) -> None:
    key = ECKey.generate_key("P-256", auto_kid=True)
    made = register(demonstration, key, requirePushedRequests=True, bindTokens=True)
    given = {
        "client_id": made["clientId"],
        "key": key.as_dict(private=True),
        "redirect_uri": made["redirectUris"][0],
        "resource": f"/v1/{demonstration['companies']['halles']}/shops/12345678",
        **person(demonstration, "alice"),
    }

    assert ran(node, "bound.mjs", demonstration, given) == {
        "parameters": ["client_id", "request_uri"],
        "used_request_uri": 400,
        "token_type": "dpop",
        "name": "Alice Exemple",
        "served": 200,
        "as_bearer": 401,
        "refreshed": True,
        "active": True,
        "bound": True,
        "by_itself": 200,
        "after_revocation": "invalid_grant",
        "logged_out": True,
    }


def test_oauth4webapi_pushes_and_binds_its_tokens(node: str, demonstration: dict[str, Any]) -> None:
    made = register(demonstration)
    given = {
        "client_id": made["clientId"],
        "client_secret": made["clientSecret"],
        "redirect_uri": made["redirectUris"][0],
        **person(demonstration, "alice"),
    }

    assert ran(node, "web_api.mjs", demonstration, given) == {
        "token_type": "dpop",
        "name": "Alice Exemple",
        "refreshed": True,
        "active": True,
        "own_type": "bearer",
        "after_revocation": "invalid_grant",
        "logged_out": True,
    }


def test_openid_client_goes_on_in_another_company(node: str, demonstration: dict[str, Any]) -> None:
    client = next(each for each in demonstration["clients"] if each["client_id"] == "demo-app")
    given = {
        "client_id": "demo-app",
        "redirect_uri": client["redirect_uris"][0],
        "first": demonstration["companies"]["halles"],
        "second": demonstration["companies"]["atelier"],
        **person(demonstration, "bruno"),
    }

    assert ran(node, "switch.mjs", demonstration, given) == {
        "statuses": [200, 404, 404, 200],
        "issued": "urn:ietf:params:oauth:token-type:access_token",
        "refresh": None,
    }

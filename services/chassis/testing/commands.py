"""Commands of a running service, each a process of its own with the settings that an operator would give it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from services.chassis import fault_points
from services.chassis.testing.running import Running

_PROJECT = Path(__file__).parents[3]


def run_command(
    running: Running, *arguments: str, points: str = "", url_of: str = "svc", owner_url_of: str = "owner"
) -> subprocess.CompletedProcess[str]:
    """`python -m services.<name> …`; `points` are fault points. It may end in any way.

    `url_of` and `owner_url_of` are the roles whose URLs its two files hold.
    """
    settings = running.settings
    url, owner = (settings.state_directory / f"{name}-database-url" for name in ("command", "owner"))
    url.write_text(running.database.urls[url_of])
    owner.write_text(running.database.urls[owner_url_of])
    environment = {
        "PATH": os.environ["PATH"],
        "COMPTOIR_KEK_FILE": str(settings.kek_file),
        "COMPTOIR_DATABASE_URL_FILE": str(url),
        "COMPTOIR_OWNER_DATABASE_URL_FILE": str(owner),
        "COMPTOIR_ISSUER": settings.issuer,
        **{name: os.environ[name] for name in ("SOFTHSM2_CONF",) if name in os.environ},
        **(
            {
                "COMPTOIR_KEK_TOKEN_MODULE": str(settings.kek_token_module),
                "COMPTOIR_KEK_TOKEN_LABEL": settings.kek_token_label,
                "COMPTOIR_KEK_TOKEN_PIN_FILE": str(settings.kek_token_pin_file),
            }
            if settings.kek_token_module
            else {}
        ),
        **(fault_points.environment(points) if points else {}),
    }
    command = (sys.executable, "-m", f"services.{running.service.name}", *arguments)
    return subprocess.run(
        command, env=environment, cwd=_PROJECT, capture_output=True, text=True, timeout=120, check=False
    )


def told(running: Running, *arguments: str) -> list[dict[str, Any]]:
    """What a command that succeeds says, line by line."""
    done = run_command(running, *arguments)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]

"""Whatever schemathesis makes of the document, sent with real tokens to the running platform: it keeps its word."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import ports
from deploy.local.platforms import Platform
from deploy.local.topology import PROJECT, Topology
from tests.isolation.escapes import ENDS_PEOPLE

_PATIENCE_SECONDS = 300
"""For each example: more than a busy machine takes."""
_UNLIMITED = "1000000"
_HERE = Path(__file__).parent
_SPARED = [
    *(name.rpartition("/")[2] for name in ENDS_PEOPLE),
    *("ChangeLogin", "ResetFactors", "RequireSecondFactor", "RequirePasswordRenewal"),
]
"""What would end, or keep out, the people who ask."""


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform of its own, where nobody asks too often."""
    unlimited = {"COMPTOIR_RATE_PER_SECOND": _UNLIMITED, "COMPTOIR_RATE_BURST": _UNLIMITED}
    topology = Topology(extra={"gateway": unlimited, "identity": {"COMPTOIR_SOURCE_TRIES": _UNLIMITED}})
    with Platform(
        tmp_path_factory.mktemp("fuzzed"), ports.free(ports.DEFAULTS), topology=topology
    ) as running:
        yield running


@pytest.mark.parametrize("login", ["alice", "olga"])
@pytest.mark.parametrize(
    "examples", [pytest.param(5, marks=pytest.mark.slow), pytest.param(500, marks=pytest.mark.soak)]
)
def test_every_answer_is_within_the_document(
    fuzzed: Platform, login: str, examples: int, tmp_path: Path
) -> None:
    command = [
        *(str(Path(sys.executable).with_name("schemathesis")), "--config-file"),
        *(str(_HERE / "schemathesis.toml"), "run", f"{fuzzed.description['gateway']}/openapi.json"),
        *("--tls-verify", str(fuzzed.layout.authority), "--max-examples", str(examples)),
        # The gateway closes a connection that lay idle for ten seconds, perhaps under the next request.
        *("--request-retries", "1"),
        *("--phases", "examples,coverage,fuzzing,stateful", "--no-shrink", "--continue-on-failure"),
        *("--generation-database", "none", "--no-color", "--warnings", "off"),
        *(part for name in _SPARED for part in ("--exclude-operation-id", name)),
    ]
    ended = subprocess.run(
        command,
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": str(PROJECT),
            "SCHEMATHESIS_HOOKS": "tests.fuzzing.hooks",
            "COMPTOIR_FUZZED_PLATFORM": str(fuzzed.layout.description),
            "COMPTOIR_FUZZED_AS": login,
        },
        capture_output=True,
        text=True,
        timeout=_PATIENCE_SECONDS * examples,
    )
    sys.stdout.write(ended.stdout[-500:])

    assert ended.returncode == 0, ended.stdout[-10_000:] + ended.stderr[-2_000:]

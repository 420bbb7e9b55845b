"""Whatever is killed: what was acknowledged is there once, and whoever watches is told it once and in order.

The choices follow from a seed, which is printed and can be given back by COMPTOIR_LOG_SEED; when each falls among the
writes is the machine's to say. COMPTOIR_LOG_CHANGES and COMPTOIR_LOG_MINUTES bound a run.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from deploy.local import ports
from deploy.local.platforms import Platform
from tests.log import figures
from tests.log.revocation import revocations
from tests.log.storm import Plan, storm

_FEW = (
    lambda trouble: trouble.arm("shop", "call.after_commit", 20),
    lambda trouble: trouble.kill("shop-feed"),
    lambda trouble: trouble.compact(),
)


@pytest.fixture
def own_platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with Platform(tmp_path_factory.mktemp("platform"), ports.free(ports.DEFAULTS)) as running:
        yield running


def chosen(changes: int, **more: Any) -> Plan:
    """The plan, as the environment bounds it."""
    return Plan(
        changes=int(os.environ.get("COMPTOIR_LOG_CHANGES", changes)),
        seed=int(os.environ.get("COMPTOIR_LOG_SEED", secrets.randbelow(10**6))),
        minutes=float(os.environ.get("COMPTOIR_LOG_MINUTES", "inf")),
        **more,
    )


def test_some_hundreds_of_changes_outlive_a_few_kills(platform: Platform) -> None:
    seed = int(os.environ.get("COMPTOIR_LOG_SEED", secrets.randbelow(10**6)))
    plan = Plan(300, seed, companies=2, writers=2, bulk=0, calm=(5, 15), script=_FEW, verified=("shop",))
    outcome = storm(platform, plan)
    assert outcome.kills == 3


@pytest.mark.slow
def test_a_twentieth_of_it(own_platform: Platform, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = storm(own_platform, chosen(50_000))
    with capsys.disabled():
        sys.stdout.write("\n".join(("", *outcome.lines(), "")))
    assert outcome.kills


@pytest.mark.soak
def test_a_million_changes(own_platform: Platform, capsys: pytest.CaptureFixture[str]) -> None:
    felt = revocations(own_platform, rounds=300)
    outcome = storm(own_platform, chosen(1_000_000, bulk=2, calm=(2_000, 10_000), watchers=10))
    figures.write(outcome, felt)
    with capsys.disabled():
        sys.stdout.write("\n".join(("", *outcome.lines(), "")))
    assert outcome.kills

"""A place that was taken away is felt by writes within a second (security.md, Accounts)."""

from __future__ import annotations

import os
import sys

import pytest

from deploy.local.platforms import Platform
from tests.log.revocation import revocations

PROMISED_SECONDS = 1.0


@pytest.mark.slow
def test_writes_feel_within_a_second_that_a_place_was_taken_away(
    platform: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    felt = revocations(platform, rounds=int(os.environ.get("COMPTOIR_REVOCATIONS", "200")))
    with capsys.disabled():
        sys.stdout.write(
            f"\n{len(felt.seconds)} places taken away, felt after"
            f" {felt.percentile(50) * 1000:.0f} ms (p50), {felt.percentile(99) * 1000:.0f} ms (p99)\n"
        )
    assert felt.percentile(99) <= PROMISED_SECONDS

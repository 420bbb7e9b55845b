"""A service that freezes is away for those who need it; who is signed in goes on reading while identity is down."""

from __future__ import annotations

import signal

import pytest

from deploy.local.platforms import Platform
from services.chassis.testing.waiting import until
from tests.faults.freezing import frozen
from tests.faults.visitor import GENEROUS_SECONDS, Visitor, recovers


def test_a_service_that_froze_holds_its_callers_no_longer_than_the_deadline_and_nobody_else(
    faulty: Platform, visitor: Visitor
) -> None:
    with frozen(faulty, "company"):
        held, beside = visitor.reads_company(), [visitor.reads_shop(), visitor.renames_shop()]

    recovers("a freeze of company", visitor.reads_company, visitor.corrects_company)
    assert held.status in (503, 504), held
    assert held.seconds < 20
    assert [outcome.status for outcome in beside] == [200, 200]


def test_who_is_signed_in_reads_on_while_identity_is_down_and_writes_say_that_they_wait(
    faulty: Platform, visitor: Visitor
) -> None:
    with frozen(faulty, "identity", "identity-feed"):
        until(lambda: visitor.renames_shop().reason == "GRANTS_STALE", "writes wait", GENEROUS_SECONDS)
        written = visitor.renames_shop()
        read = [visitor.reads_shop(), visitor.reads_company()]

    recovers("a freeze of identity", visitor.renames_shop, visitor.corrects_company)
    assert (written.status, written.retry_after != "") == (503, True)
    assert [outcome.status for outcome in read] == [200, 200]


def test_processes_that_start_while_identity_is_down_believe_the_last_keys_that_they_knew(
    faulty: Platform, visitor: Visitor
) -> None:
    with frozen(faulty, "identity", "identity-feed"):
        for name in ("shop", "company", "gateway"):
            faulty.kill(name, signal.SIGKILL)
            faulty.process(name).wait_healthy()
        read = [visitor.reads_shop(), visitor.reads_company()]

    recovers("a freeze of identity", visitor.renames_shop, visitor.corrects_company)
    assert [outcome.status for outcome in read] == [200, 200]


@pytest.mark.parametrize("name", ["shop", "company", "gateway"])
def test_a_service_that_was_killed_is_back_by_itself(faulty: Platform, visitor: Visitor, name: str) -> None:
    faulty.kill(name, signal.SIGKILL)
    faulty.process(name).wait_healthy()

    recovers(f"a kill of {name}", visitor.reads_shop, visitor.renames_shop, visitor.reads_company)

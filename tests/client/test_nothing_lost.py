"""Whatever is killed, on either side: a client is told every change of every shop, in order, and shows it.

COMPTOIR_CLIENT_CHANGES and COMPTOIR_CLIENT_SECONDS bound a run; the dice follow COMPTOIR_LOG_SEED, which is printed.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.local import ports
from deploy.local.platforms import Platform
from tests import soak_page
from tests.client.notes import Line, told_as_it_is
from tests.client.noting import START
from tests.client.storm import Outcome, Plan, storm
from tests.log.watchers import SHOP

_ABOUT = """Writers of several companies change shops while a client keeps a replica of them and writes down each change
that it is told. Either side is killed, again and again: the client, also while it saves, the feeds, the service,
PostgreSQL, and the process that writes a hundred changes a transaction. In the end what the client was told is compared
with the log, change by change, and what it shows with the database."""
_SCOPE = "companies/made"


@pytest.fixture
def own_platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with Platform(tmp_path_factory.mktemp("platform"), ports.free(ports.DEFAULTS)) as running:
        yield running


def chosen(changes: int) -> Plan:
    """The plan, as the environment bounds it."""
    return Plan(
        changes=int(os.environ.get("COMPTOIR_CLIENT_CHANGES", changes)),
        seed=int(os.environ.get("COMPTOIR_LOG_SEED", secrets.randbelow(10**6))),
        seconds=float(os.environ.get("COMPTOIR_CLIENT_SECONDS", "inf")),
    )


def _log(changes: int) -> list[Line]:
    return [[SHOP, f"{_SCOPE}/shops/1", _SCOPE, number, f"request {number}"] for number in range(changes)]


def test_changes_that_a_new_life_tells_again_are_none_too_many() -> None:
    log = _log(5)
    assert told_as_it_is([[START], *log[:4], [START], *log[2:]], log, _SCOPE) == 7


@pytest.mark.parametrize(
    "told",
    [
        pytest.param([0, 2, 3, 4], id="left out"),
        pytest.param([0, 2, 1, 3, 4], id="in another order"),
        pytest.param([0, 1, 1, 2, 3, 4], id="twice in one life"),
        pytest.param([0, 1, 2, 3], id="without the end"),
        pytest.param([0, 1, START, 3, 4], id="left out by a kill"),
    ],
)
def test_whatever_is_told_otherwise_than_it_was_is_found(told: list[int | str]) -> None:
    log = _log(5)
    with pytest.raises(AssertionError):
        told_as_it_is(([START] if each == START else log[int(each)] for each in told), log, _SCOPE)


@pytest.mark.slow
def test_every_change_is_told_in_order_under_kills_of_either_side(
    own_platform: Platform, tmp_path: Path
) -> None:
    assert storm(own_platform, tmp_path, chosen(50_000)).kills.total()


@pytest.mark.soak
def test_a_million_changes_are_told_in_order_under_kills_of_either_side(
    own_platform: Platform, tmp_path: Path
) -> None:
    outcome = storm(own_platform, tmp_path, replace(chosen(1_000_000), calm=(3_000, 9_000)))
    soak_page.write("A client and its replica", _ABOUT, _rows(outcome), outcome.plan.seed)
    assert outcome.kills.total()


def _rows(outcome: Outcome) -> dict[str, object]:
    return {
        "changes": outcome.changes,
        "changes asked for": outcome.plan.changes,
        "requests acknowledged, each found once in the log": outcome.requests,
        "seconds": round(outcome.seconds),
        "kills, each with its restart": outcome.kills.total(),
        **{f"… {what}": count for what, count in sorted(outcome.kills.items())},
        "changes of shops in the log": outcome.logged,
        "changes told to the client, repetitions after kills included": outcome.told,
        "shops shown as they are": outcome.shops,
        "lost, reordered or foreign": 0,
    }

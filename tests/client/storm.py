"""Writers, a client that is told, and kills of either side, and then every check: one run of it."""

from __future__ import annotations

import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from comptoir_client import Addresses, Comptoir, Credentials, Feeds, State
from deploy.local.platforms import Platform
from tests.client.notes import SERVICE, Line, Noting, end_of, none_is_foreign, told_as_it_is
from tests.log import checks
from tests.log.bulk_writer import BulkWriter
from tests.log.waiting import until, while_moving
from tests.log.watchers import SHOP
from tests.log.world import World
from tests.log.writers import Journal, Writer, may_write

_CLIENT, _BULK = "client", "bulk writer"
_BESIDE = ("media", "inbox")
"""They follow the shops as well, are none of those looked at, and would take the machine from these."""
_SERVERS = ("shop", "shop-feed", "company-feed", "postgres")
_DECK = (
    _CLIENT,
    _CLIENT,
    _CLIENT,
    _CLIENT,
    "shop-feed",
    "shop-feed",
    "shop",
    "company-feed",
    "postgres",
    _BULK,
)


@dataclass(frozen=True)
class Plan:
    """How much of it: ends with so many changes, or when the time is over."""

    changes: int
    seed: int
    companies: int = 4
    writers: int = 1
    bulks: int = 3
    """Writers of many changes a transaction."""
    calm: tuple[int, int] = (1_000, 3_000)
    """Changes between one kill and the next."""
    seconds: float = float("inf")


@dataclass
class Outcome:
    """What was reached."""

    plan: Plan
    changes: int = 0
    requests: int = 0
    seconds: float = 0.0
    kills: Counter[str] = field(default_factory=Counter)
    logged: int = 0
    """Changes of shops that the logs hold."""
    told: int = 0
    """To the client, with what it was told again after a kill."""
    shops: int = 0


def storm(platform: Platform, directory: Path, plan: Plan) -> Outcome:
    """Runs the plan and checks everything; raises AssertionError for whatever does not hold."""
    sys.stdout.write(f"seed {plan.seed}\n")
    world, noting, journal = World(platform, plan.companies), Noting(platform, directory), Journal()
    outcome = Outcome(plan)
    try:
        for company in world.companies:
            until(partial(may_write, world, company, company.owner), "the owner's grant is heard of")
        for name in _BESIDE:
            platform.process(name).stop()
        noting.start()
        until(noting.has_begun, "the client has its first snapshot")
        begun = time.monotonic()
        _rage(world, noting, journal, outcome)
        outcome.changes, outcome.seconds = journal.changes, time.monotonic() - begun
        outcome.requests = checks.effects_are_what_was_acknowledged(world, journal)
        _check(world, noting, outcome)
        return outcome
    finally:
        noting.kill()
        world.close()


def _rage(world: World, noting: Noting, journal: Journal, outcome: Outcome) -> None:
    """Kills one after the other until enough was written."""
    plan, stop, end = outcome.plan, threading.Event(), time.monotonic() + outcome.plan.seconds
    bulks = [
        BulkWriter(world, journal, number, world.companies[number :: plan.bulks], plan.seed)
        for number in range(plan.bulks)
    ]
    writers = [Writer(world, journal, number, plan.seed, renames=True) for number in range(plan.writers)]
    crowd: list[Writer | BulkWriter] = [*bulks, *writers]

    def more() -> bool:
        enough = journal.changes >= plan.changes or time.monotonic() > end
        return not (stop.is_set() or enough or any(each.failure for each in crowd))

    for each in crowd:
        each.start(more)
    try:
        _kill(world.platform, noting, bulks, journal, outcome, more)
    finally:
        stop.set()
        for each in crowd:
            each.join()
    for name in _SERVERS:
        world.platform.process(name).wait_healthy()


def _kill(
    platform: Platform,
    noting: Noting,
    bulks: list[BulkWriter],
    journal: Journal,
    outcome: Outcome,
    more: Callable[[], bool],
) -> None:
    dice, deck = random.Random(f"{outcome.plan.seed} client"), list[str]()
    while more():
        journal.wait(journal.changes + dice.randint(*outcome.plan.calm), more)
        # Dealt from a deck, so that each has its turn.
        deck = deck or dice.sample(_DECK, len(_DECK))
        name = deck.pop()
        if name == _CLIENT:
            noting.kill()
            noting.start()
        elif name == _BULK:
            dice.choice(bulks).kill()
        else:
            platform.kill(name)
            platform.process(name).wait_healthy()
        outcome.kills[name] += 1


def _check(world: World, noting: Noting, outcome: Outcome) -> None:
    ends = {end_of(_shop_lines(world, company.name)) for company in world.companies}
    while_moving(partial(noting.has_told, ends), lambda: noting.size, "all was told")
    noting.kill()
    for company in world.companies:
        log = _shop_lines(world, company.name)
        outcome.logged += len(log)
        told = told_as_it_is(noting.lines(), log, company.name)
        assert told, f"of {company.name} nothing was told"
        outcome.told += told
    rows = world.rows("shop", "select company, shop_id, display_name from shops")
    expected = {f"companies/{company}/shops/{shop_id}": label for company, shop_id, label in rows}
    none_is_foreign(noting.lines(), expected)
    outcome.shops = len(expected)
    for cache in (None, noting.cache):
        _shows(world, cache, expected)


def _shows(world: World, cache: Path | None, expected: dict[str, str]) -> None:
    """A client, from nothing or from what the killed ones saved, shows what the database holds."""
    platform = world.platform
    feeds = Feeds(platform.feeds["shop"], platform.feeds["company"])
    addresses = Addresses(platform.addresses["shop"], platform.addresses["company"], feeds)

    def shown(client: Comptoir) -> dict[str, str]:
        return {shop.name: shop.display_name for shop in list(client.replica.shops.entries.values())}

    with Comptoir(addresses, Credentials(world.certificates(SERVICE)), cache) as client:
        assert cache is None or client.replica.shops.state is not State.COLD
        until(lambda: shown(client) == expected, "the replica shows what the database holds")


def _shop_lines(world: World, scope: str) -> list[Line]:
    """The changes of shops in a log, as they are written down."""
    return [
        [entry.type, entry.resource, scope, entry.sequence, entry.request]
        for entry in checks.log_of(world, "shop", scope)
        if entry.type == SHOP
    ]

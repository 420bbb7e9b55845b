"""Whatever is killed, on either side: a client is told every change of every shop, in order, and shows it.

COMPTOIR_CLIENT_CHANGES bounds a run; the dice follow COMPTOIR_LOG_SEED, which is printed.
"""

from __future__ import annotations

import json
import os
import random
import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from comptoir_client import Addresses, Comptoir, Credentials, Feeds, State
from deploy.local import ports
from deploy.local.platforms import Platform
from deploy.local.topology import PROJECT
from tests.log.checks import log_of
from tests.log.waiting import until
from tests.log.watchers import SHOP
from tests.log.world import World
from tests.log.writers import Journal, Writer, may_write

_SERVICE = "payment-engine"
_CALM = (0.3, 1.5)
_KILLED = ("client", "client", "client", "shop-feed", "shop-feed", "shop", "company-feed", "postgres")
Line = list[Any]


class Noting:
    """The process that is told, and what it wrote."""

    def __init__(self, platform: Platform, directory: Path) -> None:
        self.cache = directory / "cache"
        self._notes = directory / "notes"
        where = (platform.addresses["shop"], platform.addresses["company"])
        feeds = (platform.feeds["shop"], platform.feeds["company"])
        tls = platform.layout.certificates / _SERVICE
        self._command = [sys.executable, "-m", "tests.client.noting", *where, *feeds]
        self._command += [str(tls), str(self.cache), str(self._notes)]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, cwd=PROJECT)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    @property
    def lives(self) -> list[list[Line]]:
        """What was written in each of its lives."""
        lives: list[list[Line]] = []
        for text in self._notes.read_text().splitlines() if self._notes.exists() else ():
            line: Line = json.loads(text)
            if line == ["start"]:
                lives.append([])
            else:
                lives[-1].append(line)
        return lives

    def has_begun(self) -> bool:
        """Whether its latest life has a whole snapshot behind it, now or from an earlier one."""
        return any(["renewed", "shop"] in life for life in self.lives)


@contextmanager
def writing(world: World, writers: int, changes: int, seed: int) -> Iterator[threading.Event]:
    """Writers at work until so many changes were acknowledged: then the event is set."""
    journal, enough = Journal(), threading.Event()

    def more() -> bool:
        if journal.changes >= changes:
            enough.set()
        return not enough.is_set()

    crowd = [Writer(world, journal, number, seed) for number in range(writers)]
    for writer in crowd:
        writer.start(more)
    try:
        yield enough
    finally:
        enough.set()
        for writer in crowd:
            writer.join()


def rage(platform: Platform, noting: Noting, enough: threading.Event, seed: int) -> int:
    """Kills one after the other until there is enough; how many."""
    dice, kills = random.Random(f"{seed} client"), 0
    deck: list[str] = []
    while not enough.wait(dice.uniform(*_CALM)):
        if not deck:
            deck = dice.sample(_KILLED, len(_KILLED))
        name = deck.pop()
        if name == "client":
            noting.kill()
            noting.start()
        else:
            platform.kill(name)
            platform.process(name).wait_healthy()
        kills += 1
    for name in set(_KILLED) - {"client"}:
        platform.process(name).wait_healthy()
    return kills


def told_as_it_is(lives: list[list[Line]], log: list[Line], scope: str) -> int:
    """Checks what was told of one log, which is given without what is not told; how much it was."""
    place = {line[3]: number for number, line in enumerate(log)}
    reached: int | None = None
    count = 0
    for life in lives:
        told = [line for line in life if line[0] == SHOP and line[2] == scope]
        count += len(told)
        if not told:
            continue
        first, last = place[told[0][3]], place[told[-1][3]]
        assert log[first : last + 1] == told, f"{scope}: told otherwise than it was"
        assert reached is None or first <= reached + 1, f"{scope}: {reached + 1} to {first - 1} were not told"
        reached = last if reached is None else max(reached, last)
    # Whatever is last was told, if anything was: the snapshot may have held the rest.
    assert reached is None or reached == len(log) - 1, f"{scope}: the end was not told"
    return count


def is_told(noting: Noting, ends: dict[str, Line]) -> bool:
    """Whether the last change of each log was written down."""
    told = [line for life in noting.lives for line in life]
    return all(end in told for end in ends.values())


def shop_lines(world: World, scope: str) -> list[Line]:
    """The changes of shops in a log, as they are written down."""
    return [
        [entry.type, entry.resource, scope, entry.sequence, entry.request]
        for entry in log_of(world, "shop", scope)
        if entry.type == SHOP
    ]


def shown(client: Comptoir) -> dict[str, str]:
    """Every label that the client shows."""
    return {shop.name: shop.display_name for shop in client.replica.shops.entries.values()}


def storm(platform: Platform, directory: Path, changes: int, companies: int, writers: int) -> int:
    """All of it; how many kills there were."""
    seed = int(os.environ.get("COMPTOIR_LOG_SEED", secrets.randbelow(10**6)))
    sys.stdout.write(f"seed {seed}\n")
    world, noting = World(platform, companies), Noting(platform, directory)
    try:
        for company in world.companies:
            until(partial(may_write, world, company, company.owner), "the owner's grant is heard of")
        noting.start()
        until(noting.has_begun, "the client has its first snapshot")
        with writing(world, writers, changes, seed) as enough:
            kills = rage(platform, noting, enough, seed)
        logs = {company.name: shop_lines(world, company.name) for company in world.companies}
        until(partial(is_told, noting, {scope: log[-1] for scope, log in logs.items()}), "all was told")
        noting.kill()
        _check(world, noting, logs)
        return kills
    finally:
        noting.kill()
        world.close()


def _check(world: World, noting: Noting, logs: dict[str, list[Line]]) -> None:
    told = sum(told_as_it_is(noting.lives, log, scope) for scope, log in logs.items())
    assert told >= len(logs)
    for line in (line for life in noting.lives for line in life if line[0] == SHOP):
        assert line[1].startswith(f"{line[2]}/"), "a change stands in another company's log"
    rows = world.rows("shop", "select company, shop_id, display_name from shops")
    expected = {f"companies/{company}/shops/{shop_id}": label for company, shop_id, label in rows}
    platform = world.platform
    feeds = Feeds(platform.feeds["shop"], platform.feeds["company"])
    addresses = Addresses(platform.addresses["shop"], platform.addresses["company"], feeds)
    credentials = Credentials(world.certificates(_SERVICE))
    for cache in (None, noting.cache):
        with Comptoir(addresses, credentials, cache) as client:
            assert cache is None or client.replica.shops.state is not State.COLD
            until(lambda: shown(client) == expected, "the replica shows what the database holds")


@pytest.fixture
def own_platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with Platform(tmp_path_factory.mktemp("platform"), ports.free(ports.DEFAULTS)) as running:
        yield running


@pytest.mark.slow
def test_every_change_is_told_in_order_under_kills_of_either_side(
    own_platform: Platform, tmp_path: Path
) -> None:
    changes = int(os.environ.get("COMPTOIR_CLIENT_CHANGES", 2_000))
    assert storm(own_platform, tmp_path, changes, companies=4, writers=4)

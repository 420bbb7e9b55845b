"""Writers, watchers and trouble at once, and then every check: one run of it."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from deploy.local.platforms import Platform
from deploy.local.ports import SERVICES
from tests.log import checks, folding
from tests.log.bulk_writer import BulkWriter
from tests.log.trouble import Trouble
from tests.log.waiting import PATIENCE_SECONDS, until
from tests.log.watchers import SHOP, Watcher
from tests.log.world import World
from tests.log.writers import Journal, Writer, may_write

_PROCESSES = ("gateway", *(name for service in SERVICES for name in (service, f"{service}-feed")))


@dataclass(frozen=True)
class Plan:
    """How much of it: ends with so many changes."""

    changes: int
    seed: int
    companies: int = 5
    writers: int = 4
    bulk: int = 1
    """Writers of many changes a transaction; each has companies of its own."""
    minutes: float = float("inf")
    """Writing ends after so long, if it comes to that."""
    watchers: int = 15
    """The most of them."""
    calm: tuple[int, int] = (1_000, 3_000)
    """Changes between one trouble and the next."""
    script: tuple[Callable[[Trouble], None], ...] = ()
    """What goes wrong, instead of what the dice say."""
    verified: tuple[str, ...] = SERVICES
    """Whose chains are verified, with checkpoints."""


@dataclass
class Outcome:
    """What was reached."""

    plan: Plan
    changes: int = 0
    requests: int = 0
    repeats: int = 0
    seconds: float = 0.0
    trouble: dict[str, int] = field(default_factory=dict)
    kills: int = 0
    streams: int = 0
    resyncs: int = 0
    told: int = 0
    compared: dict[str, int] = field(default_factory=dict)

    def lines(self) -> Iterator[str]:
        """For people."""
        yield f"seed {self.plan.seed}: {self.changes} of {self.plan.changes} changes in {self.seconds:.0f} s"
        yield f"{self.requests} requests acknowledged, {self.repeats} of them sent again, {self.kills} kills"
        yield ", ".join(f"{what} {count}" for what, count in sorted(self.trouble.items()))
        yield f"{self.streams} streams of watchers, {self.resyncs} begun anew, {self.told} changes told"
        yield ", ".join(f"{what}: {count}" for what, count in self.compared.items())


def storm(platform: Platform, plan: Plan) -> Outcome:
    """Runs the plan and checks everything; raises AssertionError for whatever does not hold."""
    sys.stdout.write(f"seed {plan.seed}\n")
    world, journal = World(platform, plan.companies), Journal()
    watchers = list(_watchers(world, plan.seed))
    try:
        for company in world.companies:
            until(partial(may_write, world, company, company.owner), "the owner's grant is heard of")
        outcome = _rage(world, journal, watchers, plan)
        outcome.told = checks.watchers_saw_everything(world, watchers)
        outcome.streams = sum(watcher.connections for watcher in watchers)
        outcome.resyncs = sum(watcher.resyncs for watcher in watchers)
        outcome.compared = {
            "requests": checks.effects_are_what_was_acknowledged(world, journal),
            "changes folded": folding.rows_are_the_fold_of_changes(world),
            "rows mirrored": checks.mirrors_equal_their_sources(world),
            "messages": checks.each_reaction_is_one_message(world),
            "chains verified": checks.chains_hold(world, plan.verified),
        }
        return outcome
    finally:
        for watcher in watchers:
            with suppress(AssertionError):
                watcher.stop()
        world.close()


def _rage(world: World, journal: Journal, watchers: list[Watcher], plan: Plan) -> Outcome:
    begun, stop = time.monotonic(), threading.Event()
    writers = [Writer(world, journal, number, plan.seed) for number in range(plan.writers)]
    bulk = [
        BulkWriter(world, journal, number, world.companies[number :: plan.bulk], plan.seed)
        for number in range(plan.bulk)
    ]
    trouble = Trouble(world, plan.seed, bulk)
    crowd: list[Writer | BulkWriter] = [*writers, *bulk]

    def more() -> bool:
        enough = journal.changes >= plan.changes and trouble.scripted >= len(plan.script)
        enough = enough or time.monotonic() > begun + 60 * plan.minutes
        return not (stop.is_set() or enough or any(each.failure for each in crowd))

    for each in crowd:
        each.start(more)
    try:
        _trouble(world, trouble, journal, watchers, plan, more)
    finally:
        stop.set()
    for each in crowd:
        each.join()
    seconds = time.monotonic() - begun
    for name in _PROCESSES:
        # What is armed and was not reached yet may still end a process, and it comes back.
        world.platform.process(name).wait_healthy(PATIENCE_SECONDS)
    checks.watchers_are_abreast(watchers)
    checks.mirrors_are_abreast(world)
    _last_word(world, writers[0])
    return Outcome(
        plan,
        changes=journal.changes,
        requests=sum(map(len, journal.made.values())),
        repeats=journal.repeats,
        seconds=seconds,
        trouble=dict(trouble.done),
        kills=trouble.kills,
    )


def _trouble(
    world: World,
    trouble: Trouble,
    journal: Journal,
    watchers: list[Watcher],
    plan: Plan,
    more: Callable[[], bool],
) -> None:
    while more():
        journal.wait(journal.changes + trouble.calm(plan.calm), more)
        for watcher in watchers:
            watcher.raise_failure()
        if trouble.scripted < len(plan.script):
            plan.script[trouble.scripted](trouble)
            trouble.scripted += 1
        elif not plan.script and more():
            trouble.next()
        if len(watchers) < plan.watchers and trouble.comes_somebody():
            name = f"newcomer {len(watchers)}"
            watchers.append(Watcher(world, name, plan.seed, snapshot=True, restless=0.002))


def _last_word(world: World, writer: Writer) -> None:
    """One more write in each scope of each service, so that every watcher has an end to reach."""
    for company in world.companies:
        writer.rename(company)
        writer.correct(company)
        writer.move(company)
        writer.rename_owner(company)
    writer.close()


def _watchers(world: World, seed: int) -> Iterator[Watcher]:
    first, second = world.companies[0].name, world.companies[1].name
    yield Watcher(world, "all changes", seed)
    yield Watcher(world, "all from a snapshot", seed, snapshot=True, caller="payment-engine")
    yield Watcher(world, "restless", seed, restless=0.02)
    yield Watcher(
        world, "restless with snapshot", seed, snapshot=True, restless=0.01, caller="payment-engine"
    )
    yield Watcher(world, "slow", seed, slow=0.002)
    yield Watcher(world, "often away", seed, snapshot=True, restless=0.005, away=8.0)
    yield Watcher(world, "one company", seed, snapshot=True, company=first, caller="payment-pages")
    yield Watcher(
        world, "shops of one company", seed, snapshot=True, company=second, types=(SHOP,), restless=0.01
    )
    yield Watcher(world, "places", seed, source="identity", restless=0.01)

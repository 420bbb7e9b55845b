"""What goes wrong while others write and watch: kills, fault points, compaction, one after the other, by dice."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from deploy.local.databases import database_name
from services.chassis import fault_points
from services.chassis.changes.compact import compact
from services.chassis.changes.tokens import Tokens
from services.chassis.db.migrate import owner_engine
from services.chassis.feed.streams import Interest
from tests.log.bulk_writer import BulkWriter
from tests.log.waiting import PATIENCE_SECONDS
from tests.log.world import World

_KILLED = {
    "shop": 5,
    "shop-feed": 4,
    "postgres": 3,
    "inbox": 3,
    "identity": 3,
    "gateway": 3,
    "media": 2,
    "company": 2,
    "identity-feed": 2,
    "company-feed": 1,
}
_BULK_KILLED = 5
_COMPACTIONS = 5
_ARMED = (
    ("shop", "call.before_commit"),
    ("shop", "call.after_commit"),
    ("identity", "call.before_commit"),
    ("identity", "call.after_commit"),
    ("identity", "mirror.after_commit"),
    ("inbox", "mirror.before_commit"),
    ("inbox", "mirror.after_commit"),
    ("media", "mirror.before_commit"),
    ("media", "mirror.after_commit"),
)


class Trouble:
    """Makes it, and counts what it made."""

    def __init__(self, world: World, seed: int, bulk: Sequence[BulkWriter] = ()) -> None:
        self._world = world
        self._bulk = bulk
        self._dice = random.Random(f"{seed} trouble")
        self._deck: list[Callable[[], None]] = []
        self.done: Counter[str] = Counter()
        self.scripted = 0
        """How much of the plan's script is over."""

    @property
    def kills(self) -> int:
        return sum(count for what, count in self.done.items() if what != "compaction")

    def calm(self, between: tuple[int, int]) -> int:
        """Changes until the next of it."""
        return self._dice.randint(*between)

    def comes_somebody(self) -> bool:
        """Whether another watcher begins now."""
        return self._dice.random() < 0.5

    def next(self) -> None:
        """One of it, over when the process is up again: dealt from a deck, so that each has its turn."""
        if not self._deck:
            self._deck = self._shuffled()
        self._deck.pop()()

    def kill(self, name: str) -> None:
        """SIGKILL, as a machine that fails."""
        platform = self._world.platform
        platform.kill(name)
        self.done[name] += 1
        platform.process(name).wait_healthy(PATIENCE_SECONDS)

    def kill_bulk(self, bulk: BulkWriter) -> None:
        """SIGKILL within a transaction of many changes, or between two."""
        bulk.kill()
        self.done["bulk writer"] += 1

    def arm(self, name: str, point: str, passage: int) -> None:
        """Has the process end itself at that passage of the point, once; until then it serves."""
        process = self._world.platform.process(name)
        process.told = fault_points.environment(f"{point}=kill@{passage}")
        self.kill(name)
        process.told = {}
        self.done[point] += 1

    def compact(self) -> None:
        """Forgets all that the inbox has heard of: whoever is further behind begins anew.

        Not more: what the inbox has not heard of by then it would never react to.
        """
        try:
            reached = self._heard_by_inbox()
            # One snapshot: what is committed between two would be forgotten before it was heard of.
            engine = owner_engine(self._world.url("shop", "owner"))
            with engine.execution_options(isolation_level="REPEATABLE READ").begin() as connection:
                query = text("select min(time) from changes where position >= cast(:reached as text)::xid8")
                unheard = connection.scalar(query, {"reached": str(reached)})
                compact(connection, unheard or datetime.now(UTC), timedelta(0))
        except OperationalError:
            return
        self.done["compaction"] += 1

    def _shuffled(self) -> list[Callable[[], None]]:
        deck: list[Callable[[], None]] = [self.compact] * _COMPACTIONS
        deck.append(self._twice)
        deck += [partial(self.kill_bulk, each) for each in self._bulk for _ in range(_BULK_KILLED)]
        deck += [partial(self.kill, name) for name, times in _KILLED.items() for _ in range(times)]
        deck += [partial(self.arm, name, point, self._dice.randint(1, 60)) for name, point in _ARMED]
        self._dice.shuffle(deck)
        return deck

    def _twice(self) -> None:
        """The database, and again as soon as it has recovered."""
        self.kill("postgres")
        self.kill("postgres")

    def _heard_by_inbox(self) -> int:
        """A position before which the inbox knows of every change."""
        ((key,),) = self._world.rows("shop", "select token_key from change_feed")
        ((cursor,),) = self._world.rows("inbox", "select cursor from mirror_cursors where source = 'shop'")
        interest = Interest("inbox", frozenset(), None)
        values = Tokens(bytes(key)).open("cursor", interest.binding, cursor)
        assert values is not None, f"the inbox's cursor is not one of {database_name('shop')}"
        return int(values[1])

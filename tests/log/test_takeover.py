"""A process that was killed keeps nobody from following its sources."""

from __future__ import annotations

import time

from deploy.local.platforms import Platform
from services.chassis.mirrors.standing import OLDEST
from tests.log.waiting import until
from tests.log.world import World


def test_the_next_process_hears_of_grants_before_they_count_as_stale(platform: Platform) -> None:
    world = World(platform, 0)
    query = "select extract(epoch from heard_time)::float8 from mirror_cursors where source = 'identity'"
    platform.kill("shop")
    ((last_heard,),) = world.rows("shop", query)
    platform.process("shop").wait_healthy()
    begun = time.monotonic()

    until(lambda: world.rows("shop", query) > [(last_heard,)], "the source is heard again")
    # Counted from its start: how long a machine takes to start a process says nothing of the lease.
    assert time.monotonic() - begun < OLDEST.total_seconds() - 1
    world.close()

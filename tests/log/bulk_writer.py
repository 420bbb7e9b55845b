"""Writers whose processes do hundreds of changes a transaction, and are killed like the others."""

from __future__ import annotations

import itertools
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from deploy.local.topology import PROJECT, service_environment
from tests.log.bulk import SERVICE, Done, Order
from tests.log.waiting import PATIENCE_SECONDS, until
from tests.log.world import Company, World
from tests.log.writers import OF_A_NEW_SHOP, Journal

_COMMAND = (sys.executable, "-m", "tests.log.bulk")
_AT_ONCE = 250
"""Shops renamed in one transaction."""
_OPENED_AT_ONCE = 20


class BulkWriter:
    """Gives its process orders from a thread, one after the other; to a new process what the last one left open."""

    def __init__(
        self, world: World, journal: Journal, number: int, companies: Sequence[Company], seed: int
    ) -> None:
        self._world = world
        self._journal = journal
        self._companies = companies
        self._dice = random.Random(f"{seed} bulk {number}")
        self._ids = (f"{world.run}-bulk{number}-{each}" for each in itertools.count())
        self._process: subprocess.Popen[str] | None = None
        self._answered = 0
        """The number of the process that answered last."""
        self._lives = 0
        self.failure: BaseException | None = None
        self._more: Callable[[], bool] = lambda: False
        self._thread = threading.Thread(target=self._run, name=f"bulk writer {number}", daemon=True)

    def start(self, more: Callable[[], bool]) -> None:
        """Writes for as long as there is to be more."""
        self._more = more
        self._thread.start()

    def join(self) -> None:
        """Waits for the last acknowledgement; raises what the writer ended with."""
        self._thread.join()
        if self.failure is not None:
            raise self.failure

    def kill(self) -> None:
        """SIGKILL, at whatever it is; over when the next process has answered, or nothing more is to be written."""
        life, process = self._lives, self._process
        if process is not None:
            process.kill()
        until(lambda: self._answered > life or not self._thread.is_alive(), "the bulk writer is back")

    def _run(self) -> None:
        try:
            for company in self._companies:
                while self._more() and len(company.shops) <= _AT_ONCE:
                    self._open(company)
            while self._more():
                self._rename(self._dice.choice(self._companies))
        except BaseException as error:
            self.failure = error
            self._journal.stir()
        finally:
            self._end()

    def _open(self, company: Company) -> None:
        order = Order(next(self._ids), company.company_id, opens=_OPENED_AT_ONCE)
        company.shops.extend(self._carried_out(order, _OPENED_AT_ONCE, OF_A_NEW_SHOP))

    def _rename(self, company: Company) -> None:
        chosen = self._dice.sample(company.shops, min(len(company.shops), _AT_ONCE))
        ids = [name.rpartition("/")[2] for name in chosen]
        self._carried_out(Order(next(self._ids), company.company_id, renames=ids), len(ids), 1)

    def _carried_out(self, order: Order, shops: int, changes: int) -> list[str]:
        """The shops it concerned, once it is acknowledged."""
        end, sent = time.monotonic() + PATIENCE_SECONDS, 1
        while (done := self._ask(order)) is None:
            assert time.monotonic() < end, f"{order.request} is never carried out"
            # Its process was killed, on whichever side of the commit.
            order, sent = replace(order, again=True), sent + 1
        assert (order.request, shops) == (done.request, len(done.shops))
        self._journal.acknowledged(SERVICE, order.request, shops * changes, sent + done.tries - 1)
        return list(done.shops)

    def _ask(self, order: Order) -> Done | None:
        """The answer; None if the process ended without one."""
        process = self._process = self._process or self._spawned()
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(BrokenPipeError):
            process.stdin.write(order.line())
            process.stdin.flush()
            line = process.stdout.readline()
            if line.endswith("\n"):
                self._answered = self._lives
                return Done(**json.loads(line))
        self._end()
        return None

    def _spawned(self) -> subprocess.Popen[str]:
        platform = self._world.platform
        environment = {**os.environ, **service_environment(SERVICE, platform.layout, platform.ports)}
        self._lives += 1
        with (platform.layout.logs / "bulk.log").open("ab") as log:
            return subprocess.Popen(
                _COMMAND,
                cwd=PROJECT,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            # It ends when nobody gives orders any more.
            with suppress(BrokenPipeError):
                process.communicate()

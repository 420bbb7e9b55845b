"""The clocks count whole process trees, and the ratio is that of the CPU spent, whatever else the machine does."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context

import pytest

from bench import cpu
from bench.load import Call, Connect, crowd
from bench.measure import Measured, Subject, measure

BURN = "import time\nwhile time.process_time() < {}: pass"


def burning(seconds: float) -> Connect:
    """Connections of which each call spends that much CPU in this process."""

    @contextmanager
    def connect() -> Iterator[Call]:
        def call() -> None:
            end = time.thread_time() + seconds
            while time.thread_time() < end:
                pass

        yield call

    return connect


def test_the_time_of_children_counts_while_they_run_and_after_they_ended() -> None:
    before = cpu.seconds(os.getpid())
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BURN.format(0.3)!r}])"
    with subprocess.Popen([sys.executable, "-c", parent]) as running:
        while running.poll() is None and cpu.seconds(os.getpid()) - before < 0.3:
            pass
        seen_running = cpu.seconds(os.getpid()) - before
        running.wait()

    assert seen_running >= 0.3
    assert cpu.seconds(os.getpid()) - before >= 0.3


def peer_and_twice() -> list[Measured]:
    """What the process that runs this spends on calls of three and of six milliseconds."""
    own = {"self": os.getpid()}
    return measure([Subject("peer", burning(0.003), own), Subject("twice", burning(0.006), own)], 80)


def test_what_costs_twice_as_much_has_half_the_ratio() -> None:
    # In a process of its own: below this one run the servers of other tests, which are never quite idle.
    with ProcessPoolExecutor(1, get_context("spawn")) as alone:
        peer, twice = alone.submit(peer_and_twice).result()

    assert twice.ratio(peer, "self") == pytest.approx(0.5, rel=0.2)
    assert twice.microseconds("self") == pytest.approx(6000, rel=0.3)


def test_a_ratio_compares_each_round_with_its_own_peer() -> None:
    ours = Measured("ours", [{"a": 2.0, "b": 1.0}, {"a": 20.0, "b": 10.0}, {"a": 200.0, "b": 100.0}])
    peer = Measured("peer", [{"p": 1.0}, {"p": 10.0}, {"p": 100.0}])

    assert ours.ratio(peer, "a") == pytest.approx(0.5)
    assert ours.ratio(peer) == pytest.approx(1 / 3)
    assert ours.microseconds("b") == 10.0


def test_a_call_that_fails_ends_the_measurement() -> None:
    @contextmanager
    def connect() -> Iterator[Call]:
        def call() -> None:
            raise RuntimeError("answered 500")

        yield call

    with crowd(connect) as run, pytest.raises(RuntimeError, match="answered 500"):
        run(8)

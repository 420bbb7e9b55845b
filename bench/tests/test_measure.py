"""The clocks count whole process trees, and the ratio is that of the CPU spent, whatever else the machine does."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

import pytest

from bench import cpu
from bench.load import Call, crowd
from bench.measure import Measured, Subject, measure

BURN = "import time\nwhile time.process_time() < {}: pass"


class Meter:
    """A clock that runs by what each call says it cost, so that nothing else on the machine can be seen on it."""

    def __init__(self) -> None:
        self._spent: dict[int, float] = {}
        self._lock = Lock()

    def seconds(self, process: int) -> float:
        return self._spent.get(process, 0.0)

    def subject(self, name: str, process: int, seconds: float) -> Subject:
        """A subject of which each call costs that process so much."""

        def call() -> None:
            with self._lock:
                self._spent[process] = self.seconds(process) + seconds

        @contextmanager
        def connect() -> Iterator[Call]:
            yield call

        return Subject(name, connect, {"self": process})


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


def test_what_costs_twice_as_much_has_half_the_ratio() -> None:
    meter = Meter()

    peer, twice = measure(
        [meter.subject("peer", 1, 0.003), meter.subject("twice", 2, 0.006)], 80, meter.seconds
    )

    assert twice.ratio(peer, "self") == pytest.approx(0.5)
    assert twice.microseconds("self") == pytest.approx(6000)


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

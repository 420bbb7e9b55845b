"""Interleaved rounds: what a call costs each process, and how that compares with a peer measured beside it."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from bench import cpu
from bench.load import CONNECTIONS, Connect, crowd

ROUNDS = 5
_SLICES = 10
"""Turns that the subjects take within a round, so that a busy moment of the machine falls on all of them alike."""


@dataclass(frozen=True)
class Subject:
    """What is measured: how it is called, and the processes (number by name) that work for it."""

    name: str
    connect: Connect
    processes: Mapping[str, int]
    connections: int = CONNECTIONS


Clock = Callable[[int], float]
"""CPU seconds that the process of this number, with its children, has spent so far."""

Costs = Mapping[str, float]
"""CPU microseconds a call, by process."""


@dataclass(frozen=True)
class Measured:
    """What the rounds gave for one subject."""

    name: str
    rounds: Sequence[Costs]

    def microseconds(self, *processes: str) -> float:
        """Median cost of a call to these processes together; to all of them when none is named."""
        return statistics.median(_sum(costs, processes) for costs in self.rounds)

    def ratio(self, peer: Measured, *processes: str, of_peer: tuple[str, ...] = ()) -> float:
        """Calls that a second of CPU answers here, over those at the peer; each round is compared with its own.

        CPU of these processes here and `of_peer` there; of all of them where none is named.
        """
        return statistics.median(
            _sum(theirs, of_peer) / _sum(ours, processes)
            for ours, theirs in zip(self.rounds, peer.rounds, strict=True)
        )


def measure(subjects: Sequence[Subject], calls: int, clock: Clock = cpu.seconds) -> list[Measured]:
    """Five rounds of so many calls to each subject, after a warm-up. A call that fails ends the measurement."""
    parts = [max(calls // _SLICES // s.connections, 1) * s.connections for s in subjects]
    with ExitStack() as stack:
        crowds = [stack.enter_context(crowd(s.connect, s.connections)) for s in subjects]
        for run, part in zip(crowds, parts, strict=True):
            run(part)
        rounds = [_round(subjects, crowds, parts, clock) for _ in range(ROUNDS)]
    return [
        Measured(subject.name, [costs[number] for costs in rounds]) for number, subject in enumerate(subjects)
    ]


def _round(
    subjects: Sequence[Subject], crowds: Sequence[Callable[[int], None]], parts: Sequence[int], clock: Clock
) -> list[Costs]:
    spent = [dict.fromkeys(subject.processes, 0.0) for subject in subjects]
    for _ in range(_SLICES):
        for subject, run, part, sums in zip(subjects, crowds, parts, spent, strict=True):
            before = _clocks(subject, clock)
            run(part)
            for name, seconds in _clocks(subject, clock).items():
                sums[name] += seconds - before[name]
    return [
        {name: seconds / (_SLICES * part) * 1e6 for name, seconds in sums.items()}
        for sums, part in zip(spent, parts, strict=True)
    ]


def _clocks(subject: Subject, clock: Clock) -> dict[str, float]:
    return {name: clock(process) for name, process in subject.processes.items()}


def _sum(costs: Costs, processes: tuple[str, ...]) -> float:
    return sum(costs[name] for name in processes or costs)

"""The figures as one table, for the terminal and for `docs/figures.md`: ratios mean the same on every machine."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass

from bench.measure import ROUNDS, Measured

POSTGRES = "postgres"
"""The process whose cost is told apart."""

_ABOUT = """# Figures

Written by `make bench`. A ratio is how many calls a second of CPU answers, over how many it answers at the bare peer.
CPU is user and system time of all the processes named; PostgreSQL's is told apart. The same client of 8 connections
calls both in turns; each ratio is the median of {rounds} rounds, every one compared with its own peer's. The suite runs
with its production stages, metrics on, one call in a hundred traced.

- *echo*: grpcio alone, 4 threads, the same mutual TLS, a message of a shop's size parsed and written again.
- *hello*: Flask alone, one word, on granian with 4 threads and the same certificate.
- *form verified* is `VerifyForm` of ten fields by public id; *opening keys* below is what of the service's CPU went
  into decrypting keys during these rounds.

"""
_ABOUT_FIGURES = """What follows is how many times as much something costs here as at its peer, again in turns and as
the median of {rounds} rounds. PostgreSQL, and etcd beside it on the same file system, write through to the disk before
they answer.

- *A write* is `UpdateShop`, without the log: by the same service with nothing recorded and nothing appended, on a
  database without the triggers that insist on it. Each of 8 connections writes for a company of its own.
- *A page* holds 50 changes with their values, read over `ListShopChanges`; the peer is a history of 1 000 changes in
  the same tables.
- *The replica* is what a service that uses `comptoir-client` holds of every shop and its company: the memory that its
  process grew by, and the CPU of resolving one payment's rules from it.
- *Payment rules* are resolved from settings and facts in hand, without the replica; CPU of this process.
- *Watching*: one write at a time, until the last watcher has parsed it; each watcher has a connection of its own, and
  both sides have the same client in one process, over the same mutual TLS. *Noted* is the time that PostgreSQL gives
  the commit, just before it is made durable; etcd, which gives none, is counted from when its put was sent. *Sent* and
  *answered* are moments of the writer on both sides; a watcher may hear before the writer does, then the time is
  negative and has no ratio.

"""


@dataclass(frozen=True)
class Line:
    """One ratio: of which processes, and the least it is to be."""

    measured: Measured
    peer: Measured
    processes: tuple[str, ...]
    least: float | None = None

    def cells(self) -> tuple[str, ...]:
        """The line of the table."""
        ratio = self.measured.ratio(self.peer, *self.processes)
        database = POSTGRES in self.measured.rounds[0]
        return (
            self.measured.name,
            " + ".join(self.processes),
            f"{self.measured.microseconds(*self.processes):.0f}",
            f"{self.measured.microseconds(POSTGRES):.0f}" if database else "",
            f"{self.peer.name} ({self.peer.microseconds():.0f})",
            f"{ratio:.2f}",
            "" if self.least is None else f"{self.least:.2f}",
        )


@dataclass(frozen=True)
class Figure:
    """A figure beside its peer's: how many times as much, and the most it is to be."""

    title: str
    ours: float
    peer: str
    theirs: float
    times: float | None
    most: float | None = None

    def cells(self) -> tuple[str, ...]:
        """The line of the table."""
        return (
            self.title,
            f"{self.ours:.4g}",
            f"{self.peer} ({self.theirs:.4g})",
            "" if self.times is None else f"{self.times:.2f}",
            "" if self.most is None else f"{self.most:.2f}",
        )


_FIGURE_TITLES = ("figure", "here", "peer", "times", "at most")
_TITLES = ("call", "processes", "CPU µs", "PostgreSQL µs", "peer (CPU µs)", "ratio", "at least")


def table(lines: Sequence[Line]) -> str:
    """All lines, as Markdown."""
    return _table(_TITLES, [line.cells() for line in lines])


def figures(found: Sequence[Figure]) -> str:
    """All figures, as Markdown."""
    return _table(_FIGURE_TITLES, [figure.cells() for figure in found])


def _table(titles: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (titles, ("---",) * len(titles), *rows))


def page(lines: Sequence[Line], found: Sequence[Figure], calls: int, commit: str) -> str:
    """The whole of `docs/figures.md`."""
    where = f"{os.cpu_count()} cores, Python {platform.python_version()}, {calls} calls a round"
    standing = f", on top of commit {commit}" if commit else ""
    return (
        f"{_ABOUT.format(rounds=ROUNDS)}{table(lines)}\n\n{_ABOUT_FIGURES.format(rounds=ROUNDS)}{figures(found)}\n\n"
        f"Measured with {where}{standing}.\n"
    )

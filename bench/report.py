"""All figures as one table, for the terminal and for `docs/figures.md`: ratios mean the same on every machine."""

from __future__ import annotations

import os
import platform
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bench.load import CONNECTIONS
from bench.measure import ROUNDS, Measured

POSTGRES = "postgres"
"""The process whose cost is told apart."""
PLOT = "figures.svg"

_ABOUT = """# Figures

Written by `make bench`. Measured with {where}{standing}, {scale}. {quiet}

![How far each figure is from its bar]({plot})

**CPU µs** is the user and system time a call of all the processes named; PostgreSQL's is told apart. The figure of
such a line is a ratio: how many calls a second of CPU answers, over how many it answers at the peer, so more is
better. The same client of {connections} connections calls both in turns; each ratio is the median of {rounds} rounds,
every one compared with its own peer's. The suite runs with its production stages, metrics on, one call in a hundred
traced. The figure of every other line is how many times as much something costs here as at its peer, or of its limit,
so less is better.

{table}

- *echo*: grpcio alone, 4 threads, the same mutual TLS, a message of a shop's size parsed and written again.
- *hello*: Flask alone, one word, on granian with 4 threads and the same certificate.
- *A form verified* is `VerifyForm` of ten fields by public id; *opening keys* is what of the service's CPU went into
  decrypting keys during these rounds. *A read no older than a revision* passes by what is in memory.
- *Tokens*: npm `oidc-provider` with its in-memory adapter; both give an application an access token for its secret,
  signed by ES256. Here the application is durable, and forgotten in every process when it changes; the secret's use is
  noted once a minute, and gateway and identity are two processes.
- *A password*: the form of the sign-in page is sent; what of that was hashing, identity counts by itself.
- *A wrong password*, *a link asked for*: wall time of one call at a time to identity, about an account and about
  nobody's, in pairs whose order is by chance. The first figure compares the medians; the second counts the pairs in
  which the account took longer, in standard errors of a fair coin: beyond three, time would tell who is there.
- *One of … companies*: three platforms of the shop service, filled by COPY with chains that verify; a company is
  chosen at random for each read, which passes by what is in memory.
- *A write* is `UpdateShop`, without the log: by the same service with nothing recorded and nothing appended, on a
  database without the triggers that insist on it. Each of 8 connections writes for a company of its own.
- *A page* holds 50 changes with their values, read over `ListShopChanges`; the peer is a history of 1 000 changes in
  the same tables.
- *The replica* is what a service that uses `comptoir-client` holds of every shop and its company: the memory that its
  process grew by, and the CPU of resolving one payment's rules from it.
- *Payment rules* are resolved from settings and facts in hand, without the replica; CPU of this process.
- *Watching*: one write at a time, until the last watcher has parsed it; each watcher has a connection of its own, and
  both sides have the same client in one process, over the same mutual TLS. *Noted* is the time that PostgreSQL gives
  the commit, just before it is made durable; etcd, which gives none, is counted from when its put was sent. *Sent*
  and *answered* are moments of the writer on both sides; a watcher may hear before the writer does, then the time is
  negative and has no ratio.

PostgreSQL, and etcd beside it on the same file system, write through to the disk before they answer.

## Memory

Of each process after the rounds above, its part of shared memory included, in MB.

{memory}
"""


class Row(Protocol):
    """One line of the table."""

    @property
    def title(self) -> str: ...

    @property
    @abstractmethod
    def reached(self) -> float | None:
        """The figure over its bar, so that 1 and more meets it, whichever way it counts; None where there is none."""

    @abstractmethod
    def cells(self) -> tuple[str, ...]:
        """What it is, the processes, the cost here, PostgreSQL's, the peer's, the figure, its bar."""


@dataclass(frozen=True)
class Line:
    """One ratio: of which processes, and the least it is to be."""

    measured: Measured
    peer: Measured
    processes: tuple[str, ...]
    least: float | None = None

    @property
    def title(self) -> str:
        return f"{self.measured.name}, CPU µs"

    @property
    def _ratio(self) -> float:
        return self.measured.ratio(self.peer, *self.processes)

    @property
    def reached(self) -> float | None:
        return None if self.least is None else self._ratio / self.least

    def cells(self) -> tuple[str, ...]:
        database = POSTGRES in self.measured.rounds[0]
        return (
            self.title,
            " + ".join(self.processes),
            f"{self.measured.microseconds(*self.processes):.0f}",
            f"{self.measured.microseconds(POSTGRES):.0f}" if database else "",
            f"{self.peer.name} ({self.peer.microseconds():.0f})",
            f"{self._ratio:.2f}",
            "" if self.least is None else f"≥ {self.least:.2f}",
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

    @property
    def reached(self) -> float | None:
        if self.most is None or self.times is None:
            return None
        return self.most / self.times if self.times > 0 else float("inf")

    def cells(self) -> tuple[str, ...]:
        return (
            self.title,
            "",
            f"{self.ours:.4g}",
            "",
            f"{self.peer} ({self.theirs:.4g})",
            "" if self.times is None else f"{self.times:.2f}",
            "" if self.most is None else f"≤ {self.most:.2f}",
        )


@dataclass(frozen=True)
class Holding:
    """Memory of a process, its workers included."""

    process: str
    megabytes: float


_TITLES = ("what", "processes", "here", "PostgreSQL", "peer", "figure", "bar", "met")


def table(rows: Sequence[Row]) -> str:
    """All rows, as Markdown."""
    return _table(_TITLES, [(*row.cells(), _met(row)) for row in rows])


def _met(row: Row) -> str:
    if row.reached is None:
        return ""
    return "yes" if row.reached >= 1 else "**no**"


def holdings(found: Sequence[Holding]) -> str:
    """Memory, as Markdown."""
    return _table(("process", "MB"), [(each.process, f"{each.megabytes:.0f}") for each in found])


def _table(titles: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (titles, ("---",) * len(titles), *rows))


def page(rows: Sequence[Row], memory: Sequence[Holding], scale: float, commit: str, load: float) -> str:
    """The whole of `docs/figures.md`; `load`: how many processes wanted to run when it began, beside these."""
    cores = os.cpu_count() or 1
    return _ABOUT.format(
        where=f"{cores} cores, Python {platform.python_version()}",
        standing=f", on top of commit {commit}" if commit else "",
        quiet=_quiet(load, cores),
        plot=PLOT,
        scale=_scale(scale),
        connections=CONNECTIONS,
        rounds=ROUNDS,
        table=table(rows),
        memory=holdings(memory),
    )


def _scale(scale: float) -> str:
    return (
        "with the full numbers of calls"
        if scale == 1
        else f"with only {scale:.0%} of the calls of a full run"
    )


def _quiet(load: float, cores: int) -> str:
    if load < cores / 2:
        return "The machine did nothing else."
    return (
        f"The machine was **not quiet**: {load:.0f} other processes wanted to run on its cores when it began. Threads"
        " that wait for a core and for each other cost more there, so ratios are lower than on a machine of its own."
    )

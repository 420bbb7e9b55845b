"""CPU time of a process and of everything below it, as the kernel counts it (proc(5), `/proc/<pid>/stat`)."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
# Counted behind the name in parentheses, which is the second field and may hold blanks.
_PARENT, _FIRST_TIME, _LAST_TIME = 1, 11, 14


def seconds(process: int) -> float:
    """User and system time of the process and its descendants, ended ones that were waited for included."""
    parents, ticks = _snapshot()
    return sum(ticks.get(each, 0) for each in _descent(process, parents)) / _TICKS_PER_SECOND


def family(process: int) -> list[int]:
    """The process and its descendants."""
    return _descent(process, _snapshot()[0])


def _descent(process: int, parents: dict[int, int]) -> list[int]:
    children = defaultdict(list)
    for child, parent in parents.items():
        children[parent].append(child)
    found, pending = [], [process]
    while pending:
        one = pending.pop()
        found.append(one)
        pending += children[one]
    return found


def _snapshot() -> tuple[dict[int, int], dict[int, int]]:
    """Parent and ticks of every process."""
    parents, ticks = {}, {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        parents[int(entry.name)] = int(fields[_PARENT])
        ticks[int(entry.name)] = sum(map(int, fields[_FIRST_TIME : _LAST_TIME + 1]))
    return parents, ticks

"""Processes that say nothing any more on a host that lives."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from deploy.local.platforms import Platform


@contextmanager
def frozen(platform: Platform, *names: str) -> Iterator[None]:
    """Stops these processes with all they started, and lets them go on in the end."""
    stopped: list[int] = []
    try:
        for name in names:
            for process in family(platform.process(name).pid):
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGSTOP)
                    stopped.append(process)
        yield
    finally:
        for process in reversed(stopped):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)


def family(process: int) -> list[int]:
    """The process and all that descend from it, the eldest first."""
    children: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # The name, in brackets, may hold anything.
            parent = int(status.read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(status.parent.name))
    found = [process]
    for each in found:
        found.extend(children.get(each, ()))
    return found


def resident_megabytes(process: int) -> float:
    """Memory that the process holds."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * 4096 / 1e6

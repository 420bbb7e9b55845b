"""What the process that is told has written down, read a line at a time: it may be millions."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from deploy.local.platforms import Platform
from deploy.local.topology import PROJECT
from tests.client.noting import START, line_of
from tests.log.watchers import SHOP

SERVICE = "payment-engine"
Line = list[Any]
"""Type, resource, scope, sequence and request of one change."""


class Noting:
    """The process, and the file that its lives write one after the other."""

    def __init__(self, platform: Platform, directory: Path) -> None:
        self.cache = directory / "cache"
        self._notes = directory / "notes"
        self._read, self._rest = 0, b""
        where = (platform.addresses["shop"], platform.addresses["company"])
        feeds = (platform.feeds["shop"], platform.feeds["company"])
        tls = platform.layout.certificates / SERVICE
        self._command = [sys.executable, "-m", "tests.client.noting", *where, *feeds]
        self._command += [str(tls), str(self.cache), str(self._notes)]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, cwd=PROJECT)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    @property
    def size(self) -> int:
        return self._notes.stat().st_size if self._notes.exists() else 0

    def lines(self) -> Iterator[Line]:
        """Everything, with `[START]` where a life begins."""
        with self._notes.open("rb") as notes:
            yield from map(json.loads, notes)

    def has_begun(self) -> bool:
        """Whether its latest life has a whole snapshot behind it, now or from an earlier one."""
        return self.size > 0 and ["renewed", "shop"] in self.lines()

    def has_told(self, ends: set[bytes]) -> bool:
        """Whether each of these was written down; takes out of them what was. Each call reads what is new."""
        with self._notes.open("rb") as notes:
            notes.seek(self._read)
            new = self._rest + notes.read()
            self._read = notes.tell()
        *lines, self._rest = new.split(b"\n")
        ends.difference_update(lines)
        return not ends


def end_of(log: list[Line]) -> bytes:
    """The last change of a log, as it is written down."""
    return line_of(log[-1]).rstrip(b"\n")


def told_as_it_is(lines: Iterable[Line], log: list[Line], scope: str) -> int:
    """Checks what was told of one log, which is given without what is not told; how much it was."""
    place = {line[3]: number for number, line in enumerate(log)}
    reached: int | None = None
    at: int | None = None
    count = 0
    for line in lines:
        if line == [START]:
            at = None
        elif line[0] == SHOP and line[2] == scope:
            number = place.get(line[3])
            assert number is not None, f"{scope}: {line} is not in the log"
            assert log[number] == line, f"{scope}: told otherwise than it was"
            # Within a life each follows the one before; a new life may repeat what was told, and leaves nothing out.
            follows = number == at + 1 if at is not None else reached is None or number <= reached + 1
            assert follows, f"{scope}: {line} was told after {at} of this life, and {reached} of all"
            at, count = number, count + 1
            reached = number if reached is None else max(reached, number)
    # Whatever is last was told, if anything was: the snapshot may have held the rest.
    assert reached is None or reached == len(log) - 1, f"{scope}: the end was not told"
    return count


def none_is_foreign(lines: Iterable[Line], names: Mapping[str, object]) -> None:
    """Each change of a shop stands in the log of its own company, of those companies that there are."""
    for line in lines:
        if line[0] == SHOP:
            assert line[1].startswith(f"{line[2]}/"), f"{line} stands in another company's log"
            assert line[1] in names, f"{line} is of no shop that there is"

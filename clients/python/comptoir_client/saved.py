"""A copy on disk: the last that was known, for a process that starts while its source is away.

A file is there whole or not at all. It holds what feeds publish and where to go on, which is of use to this service's
certificate alone; no secret ever is in either.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain
from math import inf
from pathlib import Path
from typing import Any, BinaryIO, Generic, TypeVar

from comptoir_client.copies import Copy

VERSION = 1
"""Of the form of the file: another is ignored."""
_FORMAT = "comptoir-client copy"
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode
_log = logging.getLogger("comptoir_client")
T = TypeVar("T")


class _Unusable(Exception):
    """Why a file is not taken."""


@dataclass(frozen=True)
class Saved(Generic[T]):
    """Where a copy is kept."""

    directory: Path
    platform: str
    """Which platform it is of: what another one told is not taken."""
    write_down: Callable[[T], tuple[str, Mapping[str, Any]]]
    """Name and published fields of a resource."""

    def path(self, copy: Copy[T]) -> Path:
        """The file."""
        return self.directory / f"{copy.kind.source}.copy"

    def load(self, copy: Copy[T]) -> bool:
        """Gives the copy what was saved. Says in the log why not, if there is a file that cannot be used."""
        path = self.path(copy)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return False
        except OSError as error:
            _log.warning("%s cannot be read (%s)", path, type(error).__name__)
            return False
        try:
            self._restore(copy, content)
        except (
            _Unusable,
            LookupError,
            TypeError,
            ValueError,
            AttributeError,
            ArithmeticError,
            RecursionError,
        ) as error:
            why = error if isinstance(error, _Unusable) else "damaged"
            _log.warning("%s is ignored: %s", path, why)
            return False
        return True

    def save(self, copy: Copy[T]) -> None:
        """Writes it; to be called by the thread that tells the copy. Raises OSError, and leaves the former file."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=self.directory, prefix=f".{copy.kind.source}-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                self._write(copy, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, self.path(copy))
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name)
            raise
        _sync(self.directory)
        copy.changed = False

    def _restore(self, copy: Copy[T], content: bytes) -> None:
        body, _, mark = content.rstrip(b"\n").rpartition(b"\n")
        header, *lines = body.split(b"\n")
        about = json.loads(header)
        if not isinstance(about, dict) or about.get("format") != _FORMAT:
            raise _Unusable("it is another kind of file")
        if about.get("version") != VERSION:
            raise _Unusable(f"its version is {about.get('version')}, not {VERSION}")
        if sha256(body).hexdigest().encode() != mark or about["count"] != len(lines):
            raise _Unusable("its checksum is not that of its content")
        if (about["type"], about["platform"]) != (copy.kind.type, self.platform):
            raise _Unusable("it is of another source or platform")
        cursor, complete_time = about["cursor"], about["complete_time"]
        # What no beat has followed yet is complete until never: infinitely long ago.
        if not isinstance(cursor, str) or not complete_time < inf:
            raise _Unusable("its header is none that is written here")
        found = {copy.kind.key(name): copy.kind.read(name, state) for name, state in map(json.loads, lines)}
        copy.restore(found, cursor, complete_time)

    def _write(self, copy: Copy[T], file: BinaryIO) -> None:
        about = {
            "format": _FORMAT,
            "version": VERSION,
            "platform": self.platform,
            "type": copy.kind.type,
            "cursor": copy.cursor,
            "complete_time": copy.complete_time,
            "count": len(copy),
        }
        mark = sha256()
        separator = b""
        for value in chain([about], map(self.write_down, copy.entries.values())):
            line = separator + _encode(value).encode()
            separator = b"\n"
            mark.update(line)
            file.write(line)
        file.write(b"\n" + mark.hexdigest().encode() + b"\n")


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

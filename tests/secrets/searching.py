"""Looks for known values in everything that a platform leaves behind, in the forms in which they could lie there."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

_CHUNK = 16 * 2**20
_SHORTEST = 12
"""What is shorter is found by chance among so many bytes."""


def forms(value: bytes) -> set[bytes]:
    """The value as it is, and as hexadecimal, base64 at any offset, and percent-encoded."""
    found = {value, value.hex().encode(), value.hex().upper().encode(), quote(value).encode()}
    for skip in range(3):
        # Only the characters that depend on nothing but the value.
        body = base64.b64encode(b"\0" * skip + value)[4 if skip else 0 : (skip + len(value)) // 3 * 4]
        found |= {body, body.replace(b"+", b"-").replace(b"/", b"_")}
    return {form for form in found if len(form) >= _SHORTEST}


class Search:
    """Known values by name; `in_files` and the others say which of them they meet, and where."""

    def __init__(self, values: Mapping[str, bytes]) -> None:
        self._forms = [(name, form) for name, value in values.items() for form in forms(value)]
        self._overlap = max(len(form) for _, form in self._forms)

    def in_bytes(self, content: bytes) -> set[str]:
        """Names of the values found."""
        return {name for name, form in self._forms if form in content}

    def in_files(self, roots: Iterable[Path]) -> set[tuple[str, str]]:
        """Names of the values found, each with the file's name."""
        found = set()
        for path in (path for root in roots for path in files_below(root)):
            for chunk in self._chunks(path):
                found |= {(name, path.name) for name in self.in_bytes(chunk)}
        return found

    def _chunks(self, path: Path) -> Iterator[bytes]:
        try:
            with path.open("rb") as file:
                tail = b""
                while chunk := file.read(_CHUNK):
                    yield tail + chunk
                    tail = chunk[-self._overlap :]
        except FileNotFoundError:
            # A running server removes files at any time.
            return


def files_below(root: Path) -> Iterator[Path]:
    """Regular files only: opening a pipe would wait for ever."""
    for directory, _, names in os.walk(root):
        for name in names:
            path = Path(directory, name)
            if path.is_file() and not path.is_symlink():
                yield path


def of_processes(part: str) -> bytes:
    """`environ` or `cmdline` of every process that we may look at."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            found.append((process / part).read_bytes())
        except OSError:
            # It ended, or is somebody else's.
            continue
    return b"\n".join(found)

"""Directories of TIFF 6.0, found in TIFF files and in the EXIF block of others."""

import struct
from typing import NamedTuple

from services.media.imaging.errors import Reason, Refused

ORIENTATION = 274
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
_INTEGERS = {1: "B", 3: "H", 4: "I"}


class Entry(NamedTuple):
    """One field of a directory: its twelve bytes as found, and the value that they hold or point to."""

    raw: bytes
    kind: int
    value: bytes


class Directory:
    """The first directory of a TIFF structure, limited to the tags asked for; offsets count from its start.

    Later directories are never followed, so loops and thousands of them cost nothing. Raises `struct.error`
    where the structure ends early, and `Refused` TRUNCATED when a value lies outside it.
    """

    def __init__(self, content: bytes, tags: frozenset[int]) -> None:
        self.order = "<" if content.startswith(b"II") else ">"
        (start,) = struct.unpack_from(f"{self.order}I", content, 4)
        (count,) = struct.unpack_from(f"{self.order}H", content, start)
        self.entries: dict[int, Entry] = {}
        for at in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind, length = struct.unpack_from(f"{self.order}HHI", content, at)
            if tag in tags and kind in _SIZES and tag not in self.entries:
                value = self._value(content, at + 8, length * _SIZES[kind])
                self.entries[tag] = Entry(content[at : at + 12], kind, value)

    def _value(self, content: bytes, at: int, size: int) -> bytes:
        if size > 4:
            (at,) = struct.unpack_from(f"{self.order}I", content, at)
        if at + size > len(content):
            raise Refused(Reason.TRUNCATED)
        return content[at : at + size]

    def integers(self, tag: int) -> tuple[int, ...]:
        """The values of an integer field; none if it is absent or of another kind."""
        entry = self.entries.get(tag)
        if entry is None or entry.kind not in _INTEGERS:
            return ()
        code = _INTEGERS[entry.kind]
        return struct.unpack(
            f"{self.order}{len(entry.value) // struct.calcsize(f'={code}')}{code}", entry.value
        )

    def integer(self, tag: int, default: int) -> int:
        """The first value of an integer field, or `default`."""
        return next(iter(self.integers(tag)), default)

    def bytes_of(self, tag: int) -> bytes:
        """The value of a field as it stands, empty if absent."""
        entry = self.entries.get(tag)
        return b"" if entry is None else entry.value


def exif_orientation(exif: bytes) -> int:
    """The orientation (1 to 8) that an EXIF block asks for; 1 if it is damaged, for it is only advice."""
    try:
        return upright(Directory(exif, frozenset({ORIENTATION})).integer(ORIENTATION, 1))
    except (struct.error, Refused):
        return 1


def upright(orientation: int) -> int:
    """`orientation` if it is one of the eight of TIFF 6.0, else 1."""
    return orientation if 1 <= orientation <= 8 else 1

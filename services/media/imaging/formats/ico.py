"""ICO: the largest icon of the file, which is a PNG or a bitmap without its file header."""

import struct

from services.media.imaging.errors import Reason, Refused
from services.media.imaging.formats import png
from services.media.imaging.picture import Picture, check_size

_ENTRY = struct.Struct("<BBBBHHII")
_BITMAP_HEADER = 40


def first_picture(content: bytes) -> Picture:
    """Keep one icon: the largest and, of several alike, the deepest in colour."""
    (count,) = struct.unpack_from("<H", content, 4)
    entries = [_ENTRY.unpack_from(content, 6 + _ENTRY.size * number) for number in range(count)]
    width, height, colours, _, planes, _, size, offset = max(entries, key=_rank)
    icon = content[offset : offset + size]
    if len(icon) < size:
        raise Refused(Reason.TRUNCATED)
    if icon.startswith(png.SIGNATURE):
        return png.first_picture(icon)
    header, icon_width, icon_height, _, bits, compression = struct.unpack_from("<IiiHHI", icon)
    if header != _BITMAP_HEADER or compression != 0:
        raise Refused(Reason.UNSUPPORTED_KIND, detail=f"bitmap header {header}, compression {compression}")
    # A bitmap in an icon counts its rows twice, once for the colours and once for the mask.
    check_size(icon_width, icon_height // 2)
    entry = _ENTRY.pack(width, height, colours, 0, planes, bits, size, 6 + _ENTRY.size)
    return Picture("ICO", b"\0\0\1\0\1\0" + entry + icon)


def _rank(entry: tuple[int, ...]) -> tuple[int, int]:
    return (entry[0] or 256) * (entry[1] or 256), entry[5]

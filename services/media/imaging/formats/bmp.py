"""BMP: Windows and OS/2 bitmaps, plain, bit-field or run-length."""

import struct

from services.media.imaging.errors import Reason, Refused
from services.media.imaging.picture import Picture, check_size

_OS2_HEADER = 12
_PLAIN, _BITFIELDS = 0, 3
_DECODED = frozenset({_PLAIN, 1, 2, _BITFIELDS})


def first_picture(content: bytes) -> Picture:
    """Keep the file as it is: it has one picture and no metadata that is read."""
    (offset, header) = struct.unpack_from("<II", content, 10)
    compression = _PLAIN
    if header == _OS2_HEADER:
        width, height, _, bits = struct.unpack_from("<HHHH", content, 18)
    else:
        width, height, _, bits, compression = struct.unpack_from("<iiHHI", content, 18)
    check_size(width, abs(height))
    if compression not in _DECODED:
        raise Refused(Reason.UNSUPPORTED_KIND, detail=f"compression {compression}")
    row = (width * bits + 31) // 32 * 4
    if compression in (_PLAIN, _BITFIELDS) and offset + row * abs(height) > len(content):
        raise Refused(Reason.TRUNCATED)
    return Picture("BMP", content)

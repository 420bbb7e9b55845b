"""PGM (Netpbm P2 and P5): grey samples, brought to 8 bits before the decoder sees them."""

import re
import struct
from collections.abc import Sequence

from services.media.imaging.errors import Reason, Refused
from services.media.imaging.picture import Picture, check_size

_GAP = rb"(?:\s|#[^\r\n]*[\r\n])+"
_HEADER = re.compile(rb"P([25])" + (_GAP + rb"(\d{1,9})") * 3 + rb"\s")
_COMMENT = re.compile(rb"#[^\r\n]*")
_WIDEST = 65535


def first_picture(content: bytes) -> Picture:
    """Keep the first picture, as P5 with samples from 0 to 255."""
    header = _HEADER.match(content)
    if header is None:
        raise Refused(Reason.UNREADABLE, detail="header")
    width, height, white = (int(number) for number in header.groups()[1:])
    check_size(width, height)
    if not 0 < white <= _WIDEST:
        raise Refused(Reason.UNREADABLE, detail=f"maximum {white}")
    raster = content[header.end() :]
    samples = _plain(raster, width * height) if header[1] == b"2" else _raw(raster, width * height, white)
    if len(samples) < width * height:
        raise Refused(Reason.TRUNCATED)
    return Picture("PPM", b"P5 %d %d 255\n" % (width, height) + _eight_bits(samples, white))


def _plain(raster: bytes, count: int) -> Sequence[int]:
    words = _COMMENT.sub(b"", raster).split(None, count)[:count]
    return [int(word) for word in words]


def _raw(raster: bytes, count: int, white: int) -> Sequence[int]:
    if white < 256:
        return raster[:count]
    count = min(count, len(raster) // 2)
    return struct.unpack_from(f">{count}H", raster)


def _eight_bits(samples: Sequence[int], white: int) -> bytes:
    if white == 255 and isinstance(samples, bytes):
        return samples
    scale = [(value * 255 + white // 2) // white for value in range(white + 1)]
    return bytes(scale[min(max(sample, 0), white)] for sample in samples)

"""PNG (ISO/IEC 15948): the critical chunks, with transparency, and what eXIf and iCCP say."""

import struct
import zlib

from services.media.imaging.errors import Reason, Refused
from services.media.imaging.formats.ifd import exif_orientation
from services.media.imaging.picture import Picture, check_size

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_KEPT = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND"})
_GREY, _TRUE_COLOUR, _PALETTE = 0, 2, 3
_MAX_PROFILE = 4 * 1024 * 1024


def first_picture(content: bytes) -> Picture:
    """Keep the default image: no text, no animation frame, nothing after IEND."""
    width, height, depth, colour_type = struct.unpack_from(">IIBB", content, 16)
    check_size(width, height)
    kept = [SIGNATURE]
    orientation, profile = 1, b""
    clear: tuple[int, ...] = ()
    position, kind = len(SIGNATURE), b""
    while kind != b"IEND":
        start = position
        length, kind = struct.unpack_from(">I4s", content, start)
        position = start + 12 + length
        if position > len(content):
            raise Refused(Reason.TRUNCATED)
        body = content[start + 8 : position - 4]
        if kind == b"IHDR" and start != len(SIGNATURE):
            raise Refused(Reason.UNREADABLE, detail="second IHDR")
        if kind in _KEPT or (kind == b"tRNS" and colour_type == _PALETTE):
            kept.append(content[start:position])
        elif kind == b"tRNS":
            clear = _clear_colour(body, depth, colour_type)
        elif kind == b"eXIf":
            orientation = exif_orientation(body)
        elif kind == b"iCCP":
            profile = _profile(body)
    return Picture("PNG", b"".join(kept), orientation=orientation, profile=profile, clear=clear)


def _clear_colour(body: bytes, depth: int, colour_type: int) -> tuple[int, ...]:
    if colour_type == _GREY:
        white = 2**depth - 1
        (grey,) = struct.unpack_from(">H", body)
        return (round((grey & white) * 255 / white),)
    if colour_type == _TRUE_COLOUR:
        # Of 16-bit colours the decoder keeps the upper byte.
        return tuple(sample >> depth - 8 & 255 for sample in struct.unpack_from(">3H", body))
    return ()


def _profile(body: bytes) -> bytes:
    packed = body.partition(b"\0")[2][1:]
    try:
        unpacker = zlib.decompressobj()
        profile = unpacker.decompress(packed, _MAX_PROFILE)
    except zlib.error:
        return b""
    return profile if unpacker.eof else b""

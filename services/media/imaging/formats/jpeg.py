"""JPEG (ITU-T T.81): what draws the picture, found by walking the markers once."""

import re
import struct

from services.media.imaging.errors import MAX_SCANS, Reason, Refused
from services.media.imaging.formats.ifd import exif_orientation
from services.media.imaging.picture import Picture, check_size

_MARKER = re.compile(rb"\xff([^\x00\xff])")
_RESTART = frozenset({0x01, *range(0xD0, 0xD8)})
_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_START_OF_IMAGE, _END_OF_IMAGE, _SCAN = 0xD8, 0xD9, 0xDA
_APPLICATION = range(0xE0, 0xF0)
_COMMENT = 0xFE
_COLOUR_HINTS = (b"JFIF\0", b"Adobe")


def first_picture(content: bytes) -> Picture:
    """Keep tables, frame, scans and the two headers that tell the colour space; drop all else.

    Counts the scans while walking: each makes a decoder go over the whole picture again, so that one megabyte
    of them costs half a minute (TOO_MANY_SCANS). Multi-picture files (MPO) are refused as UNSUPPORTED_KIND.
    """
    kept = [b"\xff\xd8"]
    profile: dict[int, bytes] = {}
    orientation, frames, scans, position = 1, 0, 0, 2
    while True:
        start, marker, body, end = _segment(content, position)
        if marker == _END_OF_IMAGE:
            break
        position = end
        if marker in _APPLICATION:
            if body.startswith(b"MPF\0"):
                raise Refused(Reason.UNSUPPORTED_KIND, detail="MPO")
            if body.startswith(b"Exif\0\0"):
                orientation = exif_orientation(body[6:])
            elif body.startswith(b"ICC_PROFILE\0") and len(body) > 14:
                profile[body[12]] = body[14:]
            if not body.startswith(_COLOUR_HINTS):
                continue
        elif marker == _COMMENT:
            continue
        elif marker in _FRAME:
            frames += 1
            _check_frame(body)
        elif marker == _SCAN:
            scans += 1
            if scans > MAX_SCANS:
                raise Refused(Reason.TOO_MANY_SCANS)
            position = _end_of_scan(content, end)
        kept.append(content[start:position])
    if frames != 1 or scans == 0:
        raise Refused(Reason.UNREADABLE, detail=f"{frames} frames, {scans} scans")
    icc = b"".join(profile[number] for number in sorted(profile))
    return Picture("JPEG", b"".join(kept) + b"\xff\xd9", orientation=orientation, profile=icc)


def _segment(content: bytes, position: int) -> tuple[int, int, bytes, int]:
    match = _MARKER.search(content, position)
    if match is None:
        raise Refused(Reason.TRUNCATED)
    start, end, marker = match.start(), match.end(), match[1][0]
    if marker == _END_OF_IMAGE:
        return start, marker, b"", end
    if marker in _RESTART or marker == _START_OF_IMAGE:
        raise Refused(Reason.UNREADABLE, detail="marker out of place")
    (length,) = struct.unpack_from(">H", content, end)
    if length < 2:
        raise Refused(Reason.UNREADABLE, detail="segment length")
    if end + length > len(content):
        raise Refused(Reason.TRUNCATED)
    return start, marker, content[end + 2 : end + length], end + length


def _end_of_scan(content: bytes, position: int) -> int:
    for match in _MARKER.finditer(content, position):
        if match[1][0] not in _RESTART:
            return match.start()
    raise Refused(Reason.TRUNCATED)


def _check_frame(body: bytes) -> None:
    precision, height, width = struct.unpack_from(">BHH", body)
    if precision != 8:
        raise Refused(Reason.UNSUPPORTED_KIND, detail=f"{precision} bits a sample")
    check_size(width, height)

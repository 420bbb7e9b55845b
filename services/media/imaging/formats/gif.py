"""GIF (87a, 89a): the first frame, with its palette and its transparent colour."""

import struct

from services.media.imaging.errors import Reason, Refused
from services.media.imaging.picture import Picture, check_size

_EXTENSION, _IMAGE = 0x21, 0x2C
_GRAPHIC_CONTROL = 0xF9
_PALETTE_FOLLOWS = 0x80


def first_picture(content: bytes) -> Picture:
    """Keep screen, palettes, the frame's control block and the frame: no comment and no later frame."""
    screen_width, screen_height, flags = struct.unpack_from("<HHB", content, 6)
    position = 13 + _palette_size(flags)
    screen, control = content[:position], b""
    while content[position] == _EXTENSION:
        end = _end_of_blocks(content, position + 2)
        if content[position + 1] == _GRAPHIC_CONTROL:
            control = content[position:end]
        position = end
    if content[position] != _IMAGE:
        raise Refused(Reason.UNREADABLE, detail="no frame")
    left, top, width, height, flags = struct.unpack_from("<HHHHB", content, position + 1)
    check_size(width, height)
    check_size(max(screen_width, left + width), max(screen_height, top + height))
    frame = content[position : _end_of_blocks(content, position + 11 + _palette_size(flags))]
    return Picture("GIF", screen + control + frame + b";")


def _palette_size(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & _PALETTE_FOLLOWS else 0


def _end_of_blocks(content: bytes, position: int) -> int:
    while length := content[position]:
        position += 1 + length
    return position + 1

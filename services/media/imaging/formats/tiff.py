"""TIFF 6.0: the first directory, rewritten to the fields that draw its picture."""

import struct

from services.media.imaging.errors import MAX_PIXELS, Reason, Refused
from services.media.imaging.formats.ifd import ORIENTATION, Directory, upright
from services.media.imaging.picture import Picture, check_size

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_STRIP_OFFSETS, _STRIP_SIZES = 273, 279
_TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_SIZES = 322, 323, 324, 325
_PROFILE = 34675
_DRAWING = frozenset(
    {
        *(_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _STRIP_OFFSETS, _STRIP_SIZES),
        *(_TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_SIZES),
        266,  # FillOrder
        277,  # SamplesPerPixel
        278,  # RowsPerStrip
        284,  # PlanarConfiguration
        *(292, 293),  # T4Options, T6Options
        317,  # Predictor
        320,  # ColorMap
        332,  # InkSet
        *(338, 339),  # ExtraSamples, SampleFormat
        347,  # JPEGTables
        *(529, 530, 531, 532),  # YCbCr coefficients, subsampling, positioning, reference black and white
    }
)
# None, CCITT, LZW, JPEG, Deflate (two numbers), PackBits: other codecs would smuggle in other formats.
_CODECS = frozenset({1, 2, 3, 4, 5, 7, 8, 32773, 32946})
_WHITE_IS_ZERO, _BLACK_IS_ZERO = 0, 1


def first_picture(content: bytes) -> Picture:
    """Keep the file's bytes under a new directory: other ones, metadata, private fields are out of reach."""
    directory = Directory(content, _DRAWING | {ORIENTATION, _PROFILE})
    check_size(directory.integer(_WIDTH, 0), directory.integer(_HEIGHT, 0))
    if directory.integer(_TILE_WIDTH, 1) * directory.integer(_TILE_HEIGHT, 1) > MAX_PIXELS:
        raise Refused(Reason.TOO_MANY_PIXELS)
    if (codec := directory.integer(_COMPRESSION, 1)) not in _CODECS:
        raise Refused(Reason.UNSUPPORTED_KIND, detail=f"compression {codec}")
    _check_pieces(directory, len(content))
    depth = directory.integer(_BITS, 1)
    inverted = depth > 8 and directory.integer(_PHOTOMETRIC, 1) == _WHITE_IS_ZERO
    return Picture(
        "TIFF",
        _rewritten(content, directory, inverted),
        orientation=upright(directory.integer(ORIENTATION, 1)),
        profile=directory.bytes_of(_PROFILE),
        depth=depth,
        inverted=inverted,
    )


def _check_pieces(directory: Directory, end: int) -> None:
    for offsets, sizes in ((_STRIP_OFFSETS, _STRIP_SIZES), (_TILE_OFFSETS, _TILE_SIZES)):
        pieces = zip(directory.integers(offsets), directory.integers(sizes), strict=False)
        if any(offset + size > end for offset, size in pieces):
            raise Refused(Reason.TRUNCATED)


def _rewritten(content: bytes, directory: Directory, inverted: bool) -> bytes:
    order = directory.order
    fields = {tag: entry.raw for tag, entry in directory.entries.items() if tag in _DRAWING}
    if inverted:
        # The decoder reads wide samples as counting from black whatever the file says: invert afterwards.
        fields[_PHOTOMETRIC] = struct.pack(f"{order}HHIHH", _PHOTOMETRIC, 3, 1, _BLACK_IS_ZERO, 0)
    table = b"".join(fields[tag] for tag in sorted(fields))
    start = len(content) + len(content) % 2
    header = content[:4] + struct.pack(f"{order}I", start)
    return (
        header
        + content[8:].ljust(start - 8, b"\0")
        + struct.pack(f"{order}H", len(fields))
        + table
        + struct.pack(f"{order}I", 0)
    )

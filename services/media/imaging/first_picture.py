"""Find the first picture of a file of any accepted format."""

import struct
from collections.abc import Callable

from services.media.imaging.errors import Reason, Refused
from services.media.imaging.formats import bmp, gif, ico, jpeg, pgm, png, tiff
from services.media.imaging.picture import Picture
from services.media.imaging.signatures import Format

_READERS: dict[Format, Callable[[bytes], Picture]] = {
    Format.JPEG: jpeg.first_picture,
    Format.GIF: gif.first_picture,
    Format.PNG: png.first_picture,
    Format.BMP: bmp.first_picture,
    Format.PGM: pgm.first_picture,
    Format.TIFF: tiff.first_picture,
    Format.ICO: ico.first_picture,
}


def first_picture(content: bytes, source: Format) -> Picture:
    """The first picture of `content`, known to start as `source`; `Refused` says which rule it breaks."""
    try:
        return _READERS[source](content)
    except (struct.error, IndexError) as early_end:
        raise Refused(Reason.TRUNCATED) from early_end

"""What the decoder is given of a file: its first picture, and nothing else."""

from typing import NamedTuple

from services.media.imaging.errors import MAX_PIXELS, Reason, Refused


class Picture(NamedTuple):
    """A file rewritten to the parts that draw its first picture, all metadata, frames and trailers left out.

    `plugin` is the one decoder allowed to open `content`. What changes how the picture looks, but is not
    pixels, comes apart from it: the EXIF `orientation` (1 to 8), the ICC `profile`, the grey or RGB colour
    meant as transparent (`clear`, 8 bits a sample), the `depth` in bits of grey samples wider than a byte,
    and whether those count from white (`inverted`).
    """

    plugin: str
    content: bytes
    orientation: int = 1
    profile: bytes = b""
    clear: tuple[int, ...] = ()
    depth: int = 16
    inverted: bool = False


def check_size(width: int, height: int) -> None:
    """Refuse a picture of no pixels (UNREADABLE) or of more than 10 million (TOO_MANY_PIXELS)."""
    if width <= 0 or height <= 0:
        raise Refused(Reason.UNREADABLE, detail="no pixels")
    if width * height > MAX_PIXELS:
        raise Refused(Reason.TOO_MANY_PIXELS)

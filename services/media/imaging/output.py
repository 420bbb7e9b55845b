"""The PNG that is stored and served, written from bare pixels by the service itself."""

from io import BytesIO

from PIL import Image
from PIL.PngImagePlugin import PngInfo

_PERCEPTUAL = b"\0"


def encode_png(pixels: bytes, width: int, height: int) -> bytes:
    """RGBA pixels as a PNG of the chunks IHDR, sRGB, IDAT and IEND.

    The decoding process hands over pixels, not a file, so whatever it was fed or turned into, nothing but a
    plain image of the right size can come out.
    """
    chunks = PngInfo()
    chunks.add(b"sRGB", _PERCEPTUAL)
    png = BytesIO()
    Image.frombytes("RGBA", (width, height), pixels).save(png, "PNG", pnginfo=chunks, optimize=True)
    return png.getvalue()

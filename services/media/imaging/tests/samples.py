"""Files made for the tests: honest ones through Pillow, the others byte by byte."""

import struct
import zlib
from collections.abc import Iterator
from io import BytesIO
from typing import Any

from PIL import Image, ImageCms

CORNERS = ((200, 30, 60), (20, 160, 90), (30, 60, 190), (240, 220, 40))


def encoded(image: Image.Image, plugin: str, **options: Any) -> bytes:
    file = BytesIO()
    image.save(file, plugin, **options)
    return file.getvalue()


def quarters(width: int = 312, height: int = 104) -> Image.Image:
    """Four flat colours, one a corner, reading order."""
    image = Image.new("RGB", (width, height))
    for number, colour in enumerate(CORNERS):
        left, top = number % 2 * (width // 2), number // 2 * (height // 2)
        image.paste(colour, (left, top, left + width - width // 2, top + height - height // 2))
    return image


def corners(image: Image.Image) -> list[tuple[int, ...]]:
    """The colours in the middle of each quarter, reading order."""
    points = ((x, y) for y in (1, 3) for x in (1, 3))
    return [pixel(image, x * image.width // 4, y * image.height // 4) for x, y in points]


def pixel(image: Image.Image, x: int, y: int) -> tuple[int, ...]:
    value = image.getpixel((x, y))
    assert isinstance(value, tuple)
    return tuple(int(sample) for sample in value)


def opened(png: bytes) -> Image.Image:
    image = Image.open(BytesIO(png), formats=("PNG",))
    image.load()
    return image


def chunk_names(png: bytes) -> list[bytes]:
    return [kind for kind, _ in chunks(png)]


def chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = 8
    while position < len(png):
        length, kind = struct.unpack_from(">I4s", png, position)
        yield kind, png[position + 8 : position + 8 + length]
        position += 12 + length


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(*middle: bytes, width: int = 1, height: int = 1, depth: int = 8, kind: int = 2) -> bytes:
    """A PNG of the given chunks between IHDR and IEND."""
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(middle) + chunk(b"IEND", b"")


def idat(raw: bytes) -> bytes:
    return chunk(b"IDAT", zlib.compress(raw, 9))


def with_chunks(source: bytes, *extra: bytes) -> bytes:
    """A PNG with chunks added behind its IHDR."""
    return source[:33] + b"".join(extra) + source[33:]


def with_segments(source: bytes, *extra: bytes) -> bytes:
    """A JPEG with segments added behind its start."""
    return source[:2] + b"".join(extra) + source[2:]


def segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def exif(orientation: int) -> bytes:
    return b"MM\0\x2a\0\0\0\x08\0\x01" + struct.pack(">HHIHH", 274, 3, 1, orientation, 0) + b"\0\0\0\0"


def scan_bomb(scans: int, side: int = 2048) -> bytes:
    """A progressive JPEG whose picture is refined again and again, by scans of eleven bytes each."""
    source = encoded(Image.new("L", (side, side)), "JPEG", progressive=True)
    start = source.index(b"\xff\xda")
    dc_refinement = segment(0xDA, bytes((1, 1, 0, 0, 0, 0x10))) + b"\0"
    first = source[start : source.index(b"\xff", start + 12)]
    return source[:start] + first + dc_refinement * scans + b"\xff\xd9"


def tiff(
    fields: dict[int, tuple[int, tuple[int, ...]]], data: bytes, order: str = "<", following: int | None = 0
) -> bytes:
    """A TIFF of one strip: `fields` maps a tag to its type and values; strip and counts are filled in.

    `following` is the offset of the next directory; None makes it a loop.
    """
    start = 8 + len(data) + len(data) % 2
    fields = {273: (4, (8,)), 279: (4, (len(data),)), **fields}
    code = {1: "B", 3: "H", 4: "I"}
    table, spill = b"", b""
    behind = start + 2 + 12 * len(fields) + 4
    for tag, (kind, values) in sorted(fields.items()):
        value = struct.pack(f"{order}{len(values)}{code[kind]}", *values)
        if len(value) > 4:
            spill, value = spill + value, struct.pack(f"{order}I", behind + len(spill))
        table += struct.pack(f"{order}HHI", tag, kind, len(values)) + value.ljust(4, b"\0")
    mark = {"<": b"II\x2a\0", ">": b"MM\0\x2a"}[order]
    return (
        mark
        + struct.pack(f"{order}I", start)
        + data.ljust(start - 8, b"\0")
        + struct.pack(f"{order}H", len(fields))
        + table
        + struct.pack(f"{order}I", start if following is None else following)
        + spill
    )


def tiff_fields(
    width: int, height: int, bits: tuple[int, ...], photometric: int, sample_format: int = 1
) -> dict[int, tuple[int, tuple[int, ...]]]:
    return {
        256: (4, (width,)),
        257: (4, (height,)),
        258: (3, bits),
        259: (3, (1,)),
        262: (3, (photometric,)),
        277: (3, (len(bits),)),
        278: (4, (height,)),
        339: (3, (sample_format,) * len(bits)),
    }


def ico(*icons: tuple[int, int, bytes]) -> bytes:
    """An icon file of (side, bits, payload) entries."""
    table, payloads = b"", b""
    for side, bits, payload in icons:
        offset = 6 + 16 * len(icons) + len(payloads)
        table += struct.pack("<BBBBHHII", side % 256, side % 256, 0, 0, 1, bits, len(payload), offset)
        payloads += payload
    return struct.pack("<HHH", 0, 1, len(icons)) + table + payloads


def icon_bitmap(side: int, colour: tuple[int, int, int], alpha: int = 255) -> bytes:
    red, green, blue = colour
    header = struct.pack("<IiiHHIIiiII", 40, side, side * 2, 1, 32, 0, 0, 0, 0, 0, 0)
    mask = bytes((side + 31) // 32 * 4 * side)
    return header + bytes((blue, green, red, alpha)) * (side * side) + mask


def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def exchanged_profile() -> bytes:
    """A sound RGB profile in which red and green have changed places."""
    profile = bytearray(srgb_profile())
    red, green = profile.index(b"rXYZ"), profile.index(b"gXYZ")
    profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(profile)


def profile(space: bytes, kind: bytes, tags: dict[bytes, bytes]) -> bytes:
    """An ICC profile of version 2 with the given tags (ICC.1:2001-04)."""
    table, body, start = b"", b"", 128 + 4 + 12 * len(tags)
    for name, value in tags.items():
        table += name + struct.pack(">II", start + len(body), len(value))
        body += value + bytes(-len(value) % 4)
    connection = b"Lab " if b"A2B0" in tags else b"XYZ "
    header = struct.pack(
        ">I4sI4s4s4s12x4s28x", start + len(body), b"test", 0x02400000, kind, space, connection, b"acsp"
    )
    white = struct.pack(">iii", 63190, 65536, 54061)
    return (header + white).ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


_WHITE_POINT = b"XYZ \0\0\0\0" + struct.pack(">iii", 63190, 65536, 54061)


def grey_profile(gamma: float) -> bytes:
    curve = b"curv\0\0\0\0" + struct.pack(">IHH", 1, round(gamma * 256), 0)
    return profile(b"GRAY", b"mntr", {b"wtpt": _WHITE_POINT, b"kTRC": curve})


def cmyk_profile() -> bytes:
    """Inks that turn Lab lightness down by a quarter each and shift its hue: unlike any formula."""
    corners_of_ink = []
    for number in range(16):
        cyan, magenta, yellow, black = (number >> bit & 1 for bit in (3, 2, 1, 0))
        lightness = 255 * (4 - cyan - magenta - yellow - black) // 4
        corners_of_ink += [lightness, 128 - 40 * cyan + 50 * magenta, 128 - 30 * cyan + 60 * yellow]
    identity = bytes(range(256))
    matrix = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    table = (
        b"mft1\0\0\0\0" + bytes((4, 3, 2, 0)) + matrix + identity * 4 + bytes(corners_of_ink) + identity * 3
    )
    return profile(b"CMYK", b"prtr", {b"wtpt": _WHITE_POINT, b"A2B0": table})

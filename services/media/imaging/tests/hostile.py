"""Files made to hurt: each small enough to import, each asking for far more than its size."""

import random
import struct
import zlib
from io import BytesIO
from zipfile import ZipFile

from PIL import Image

from services.media.imaging.tests import samples
from services.media.imaging.tests.samples import chunk, encoded, png, quarters, segment, tiff, tiff_fields

PLAIN = encoded(quarters(64, 64), "PNG")
JPEG = encoded(quarters(64, 64), "JPEG")
GIF = encoded(quarters(64, 64).quantize(8), "GIF")
ZEROS = zlib.compress(bytes(100_000_000), 9)
FULL_DIRECTORY = 65_535


def pngs() -> dict[str, bytes]:
    large = encoded(Image.new("RGBA", (3990, 2500), (200, 30, 60, 128)), "PNG")
    interlaced = bytearray(png(chunk(b"IDAT", ZEROS), width=3000, height=3300, depth=16, kind=6))
    interlaced[28] = 1
    interlaced[29:33] = struct.pack(">I", zlib.crc32(interlaced[12:29]))
    return {
        "PNG of ten million pixels": large,
        "PNG with far too much data": png(chunk(b"IDAT", ZEROS), width=2, height=2),
        "PNG interlaced, 16 bits": bytes(interlaced),
        "PNG compressed text": samples.with_chunks(PLAIN, chunk(b"zTXt", b"a\0\0" + ZEROS)),
        "PNG compressed profile": samples.with_chunks(PLAIN, chunk(b"iCCP", b"a\0\0" + ZEROS)),
        "PNG of empty chunks": samples.with_chunks(PLAIN, chunk(b"IDAT", b"") * 80_000),
        "PNG of private chunks": samples.with_chunks(PLAIN, chunk(b"prVt", b"") * 80_000),
        "PNG with a chunk past its end": PLAIN[:33] + struct.pack(">I", 2**31 - 1) + PLAIN[37:],
        "PNG without palette": png(samples.idat(bytes(2)), kind=3),
        "PNG with a short palette": png(chunk(b"PLTE", b"abc"), samples.idat(b"\0\xff"), kind=3),
    }


def animations() -> dict[str, bytes]:
    frames = [Image.new("L", (8, 8), shade) for shade in range(256)]
    frame = GIF[GIF.rindex(b",\0\0\0\0") : -1]
    screen = 13 + (3 << (GIF[10] & 7) + 1)
    return {
        "APNG": encoded(frames[0], "PNG", save_all=True, append_images=frames[1:]),
        "GIF of many frames": GIF[:-1] + frame * (900_000 // len(frame)) + b";",
        "GIF of comments": GIF[:screen] + b"!\xfe\1a\0" * 180_000 + GIF[screen:],
        "GIF of empty blocks": GIF[:-2] + b"\1\0" * 400_000 + b"\0;",
        "GIF of the largest frame": GIF.replace(struct.pack("<HH", 64, 64), struct.pack("<HH", 3990, 2500)),
        "GIF without end of blocks": GIF[: GIF.rindex(b",")] + b"!\xfe" + b"\xff" * 900_000,
    }


def jpegs() -> dict[str, bytes]:
    grid = Image.new("L", (3990, 2500))
    baseline = JPEG.index(b"\xff\xda")
    head, tail = JPEG[:baseline], JPEG[baseline:]
    wide = head.replace(struct.pack(">HH", 64, 64), struct.pack(">HH", 2500, 3990)) + tail
    return {
        "JPEG of 80 000 scans": samples.scan_bomb(80_000),
        "JPEG of 100 large scans": samples.scan_bomb(99, side=3160),
        "JPEG of ten million pixels": encoded(grid, "JPEG", progressive=True),
        "JPEG that says it is large": wide,
        "JPEG of fill bytes": JPEG[:2] + b"\xff" * 1_000_000,
        "JPEG of restarts": head + tail[:14] + b"\xff\xd0" * 450_000 + b"\xff\xd9",
        "JPEG of tiny segments": samples.with_segments(JPEG, segment(0xE7, b"") * 250_000),
        "JPEG of tables": samples.with_segments(JPEG, segment(0xDB, b"\0" + bytes(range(1, 65))) * 14_000),
        "JPEG of comments": samples.with_segments(JPEG, segment(0xFE, bytes(65_000)) * 15),
        "JPEG of EXIF": samples.with_segments(JPEG, segment(0xE1, b"Exif\0\0" + b"\xff" * 60_000) * 15),
        "JPEG of profiles": samples.with_segments(
            JPEG, *(segment(0xE2, b"ICC_PROFILE\0" + bytes((n, 15)) + bytes(60_000)) for n in range(1, 16))
        ),
        "JPEG without tables": JPEG[:2] + JPEG[JPEG.index(b"\xff\xc0") :],
        "JPEG of two frames": head + head[head.index(b"\xff\xc0") :] + tail,
        "JPEG with PHP in it": samples.with_segments(JPEG, segment(0xFE, b"<?php system($_GET['c']); ?>")),
    }


def tiffs() -> dict[str, bytes]:
    fields = tiff_fields(64, 64, (8,), 1)
    data = bytes(4096)
    bomb = tiff_fields(3990, 2500, (8, 8, 8), 2) | {259: (3, (8,))}
    scans = samples.scan_bomb(20_000, side=3000)
    scan_fields = tiff_fields(3000, 3000, (8,), 1) | {259: (3, (7,))}
    rows = 1_000
    strips = tiff_fields(9_000, rows, (8,), 1) | {
        278: (4, (1,)),
        273: (4, (8,) * rows),
        279: (4, (9_000,) * rows),
    }
    crowded = tiff_fields(9, 9, (8,), 1) | {273: (4, (8,) * 200_000), 278: (4, (1,))}
    return {
        "TIFF directory loop": tiff(fields, data, following=None),
        "TIFF of thousands of directories": _chained(tiff(fields, data), 60_000),
        "TIFF of the fullest directory": _full(fields, data),
        "TIFF compressed bomb": tiff(bomb, ZEROS[:900_000]),
        "TIFF JPEG scan bomb": tiff(scan_fields, scans),
        "TIFF strips over each other": tiff(strips, bytes(9_000)),
        "TIFF of strips past the picture": tiff(crowded, data),
        "TIFF with a value past its end": tiff(fields, data).replace(
            struct.pack("<HHI", 258, 3, 1), struct.pack("<HHI", 258, 3, 2**31)
        ),
        "TIFF of 65 535 samples": tiff(fields | {277: (3, (65_535,))}, data),
        "TIFF with a directory past its end": b"II\x2a\0" + struct.pack("<I", 2**32 - 1) + data,
        "TIFF fax of nothing": tiff(tiff_fields(3990, 2500, (1,), 0) | {259: (3, (4,))}, bytes(900_000)),
        "TIFF float of nonsense": tiff(
            tiff_fields(64, 64, (32,), 1, 3), struct.pack("<f", float("nan")) * 4096
        ),
        "TIFF float without end": tiff(
            tiff_fields(64, 64, (32,), 1, 3), struct.pack("<f", float("inf")) * 4096
        ),
    }


def _full(fields: dict[int, tuple[int, tuple[int, ...]]], data: bytes) -> bytes:
    private = {tag: (4, (tag,)) for tag in range(40_000, FULL_DIRECTORY)}
    return tiff(fields | private, data)


def _chained(source: bytes, count: int) -> bytes:
    (start,) = struct.unpack_from("<I", source, 4)
    (entries,) = struct.unpack_from("<H", source, start)
    last = start + 2 + 12 * entries
    links = b"".join(struct.pack("<HI", 0, len(source) + 6 * number) for number in range(1, count))
    return source[:last] + struct.pack("<I", len(source)) + source[last + 4 :] + links + bytes(6)


def bitmaps() -> dict[str, bytes]:
    palette = b"".join(bytes((n, n // 2, 9, 0)) for n in range(256))

    def run_length(data: bytes) -> bytes:
        header = struct.pack("<IiiHHIIiiII", 40, 3990, 2500, 1, 8, 1, len(data), 0, 0, 256, 0)
        start = 14 + len(header) + len(palette)
        return b"BM" + struct.pack("<IHHI", start + len(data), 0, 0, start) + header + palette + data

    plain = encoded(quarters(64, 64), "BMP")
    return {
        "BMP of line ends": run_length(b"\1\7\0\0" * 200_000),
        "BMP of jumps": run_length(b"\0\2\xff\xff" * 200_000),
        "BMP of empty runs": run_length(b"\0\0" * 400_000),
        "BMP with four billion colours": plain[:46] + b"\xff\xff\xff\xff" + plain[50:],
        "BMP with its pixels elsewhere": plain[:10] + b"\xff\xff\xff\xff" + plain[14:],
    }


def greys() -> dict[str, bytes]:
    return {
        "PGM of one comment": b"P5 #" + b"a" * 1_000_000,
        "PGM of comments": b"P5 " + b"#\n" * 500_000 + b"1 1 255\n\0",
        "PGM of gaps": b"P5" + b" " * 1_000_000,
        "PGM of one number": b"P2 1 1 255 " + b"9" * 1_000_000,
        "PGM of numbers": b"P2 700 700 65535 " + b"1 " * 490_000,
        "PGM negative": b"P2 1 1 255 -7",
    }


def icons() -> dict[str, bytes]:
    bomb = png(chunk(b"IDAT", ZEROS), width=3000, height=3000)
    return {
        "ICO with a large PNG": samples.ico((0, 32, bomb)),
        "ICO of itself": b"\0\0\1\0\1\0" + struct.pack("<BBBBHHII", 9, 9, 0, 0, 1, 32, 22, 0),
        "ICO of many entries": b"\0\0\1\0\xff\xff"
        + struct.pack("<BBBBHHII", 9, 9, 0, 0, 1, 32, 9, 0) * 65_000,
        "ICO of nothing": samples.ico((16, 32, b"")),
        "ICO without mask": samples.ico((16, 1, samples.icon_bitmap(16, (1, 2, 3))[:60])),
    }


def polyglots() -> dict[str, bytes]:
    archive = BytesIO()
    with ZipFile(archive, "w") as packed:
        packed.writestr("index.html", "<script>alert(1)</script>")
    page = b"<!doctype html><script>alert(1)</script>"
    return {
        "PNG and ZIP": PLAIN + archive.getvalue(),
        "PNG and HTML": samples.with_chunks(PLAIN, chunk(b"tEXt", b"a\0" + page)) + page,
        "GIF and script": GIF[:-1] + b"!\xfe\x10*/=1;alert(1)//" + b"\0;" + page,
        "JPEG and ZIP": JPEG + archive.getvalue(),
        "JPEG and JPEG": JPEG + JPEG,
        "BMP and HTML": encoded(quarters(64, 64), "BMP") + page,
    }


def profiles() -> dict[str, bytes]:
    chance = random.Random(20240229)
    sound = samples.cmyk_profile()
    damaged = bytearray(sound)
    for _ in range(40):
        damaged[chance.randrange(128, 400)] = chance.randrange(256)
    grid = bytearray(sound)
    at = grid.index(b"mft1")
    grid[at + 10] = 255
    many = struct.pack(">I", 2**32 - 1).join((sound[:128], sound[132:]))
    image = quarters(64, 64).convert("CMYK")
    hostile = {
        "noise": chance.randbytes(3000),
        "damage": bytes(damaged),
        "too fine a grid": bytes(grid),
        "too many tags": many,
        "one megabyte": (sound + bytes(900_000)),
        "a link": sound.replace(b"prtrCMYK", b"linkCMYK"),
    }
    return {
        f"profile of {name}": encoded(image, "JPEG", icc_profile=value) for name, value in hostile.items()
    }


FAMILIES = (pngs, animations, jpegs, tiffs, bitmaps, greys, icons, polyglots, profiles)

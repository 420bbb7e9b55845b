"""A program that damages honest files by chance and asks the decoding program about each.

`python -m services.media.imaging.tests.mutants SEED COUNT`: the same seed makes the same files. It ends
badly, with the Python stack, if a decoder crashes or anything is raised that the decoding program does not
catch.
"""

import faulthandler
import random
import resource
import sys
import warnings
from contextlib import suppress

from PIL import Image

from services.media.imaging.errors import Refused
from services.media.imaging.tests import samples
from services.media.imaging.tests.judging import FAVICON, judged
from services.media.imaging.tests.samples import encoded, quarters

MEMORY_BYTES = 512 * 1024 * 1024
DANGEROUS = (
    b"\0",
    b"\xff",
    b"\x7f",
    b"\x80",
    b"\xff\xff",
    b"\0\0\0\0",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
)


def honest() -> list[bytes]:
    """One small file a format and way of encoding."""
    image, grey, palette = quarters(48, 32), quarters(48, 32).convert("L"), quarters(48, 32).quantize(8)
    alpha = image.copy()
    alpha.putalpha(grey)
    profile = samples.exchanged_profile()
    exif = b"Exif\0\0" + samples.exif(6)
    return [
        encoded(image, "JPEG", exif=exif, icc_profile=profile),
        encoded(image, "JPEG", progressive=True),
        encoded(image.convert("CMYK"), "JPEG", icc_profile=samples.cmyk_profile()),
        encoded(grey, "JPEG"),
        encoded(alpha, "PNG", icc_profile=profile, exif=exif),
        encoded(palette, "PNG", transparency=bytes(4)),
        encoded(Image.new("I;16", (48, 32), 40_000), "PNG"),
        encoded(palette, "GIF", transparency=1),
        encoded(palette, "GIF", save_all=True, append_images=[palette.rotate(90)]),
        encoded(image, "BMP"),
        encoded(palette, "BMP"),
        encoded(alpha, "BMP"),
        encoded(grey, "PPM"),
        b"P2 # plain\n4 2 15\n" + b"1 2 3 4 5 6 7 8 ",
        encoded(alpha, "TIFF", icc_profile=profile),
        encoded(image, "TIFF", compression="tiff_lzw"),
        encoded(image, "TIFF", compression="tiff_adobe_deflate", tiffinfo={317: 2}),
        encoded(image, "TIFF", compression="jpeg"),
        encoded(image.convert("1"), "TIFF", compression="group4"),
        encoded(image.convert("1"), "TIFF", compression="group3"),
        encoded(image.convert("CMYK"), "TIFF", compression="packbits"),
        encoded(image.convert("F"), "TIFF"),
        encoded(alpha, "ICO", sizes=[(16, 16), (32, 32)]),
        encoded(alpha, "ICO", sizes=[(16, 16), (32, 32)], bitmap_format="bmp"),
    ]


def mutant(source: bytes, chance: random.Random) -> bytes:
    """`source` with a few bytes flipped, overwritten, cut out, doubled or put in."""
    content = bytearray(source)
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        at = chance.randrange(len(content))
        way = chance.randrange(6)
        if way <= 2:
            content[at] ^= 1 << chance.randrange(8)
        elif way == 3:
            danger = chance.choice(DANGEROUS)
            content[at : at + len(danger)] = danger
        elif way == 4 and len(content) > 64:
            del content[at : at + chance.randrange(1, 32)]
        else:
            content[at:at] = content[at : at + chance.randrange(1, 64)]
    return bytes(content)


def main(seed: int, count: int) -> None:
    """Judge `count` mutants."""
    faulthandler.enable()
    warnings.simplefilter("ignore")
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    chance = random.Random(seed)
    sources = honest()
    decided = 0
    for number in range(count):
        content = mutant(sources[number % len(sources)], chance)
        # The signature itself may be hit.
        with suppress(Refused):
            judged(content, FAVICON)
        decided += 1
    sys.stdout.write(f"{decided} decided\n")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

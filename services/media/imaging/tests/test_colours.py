"""Every accepted format and colour mode comes out right within 3/255 in sRGB (ME1, ME6)."""

import struct
from collections.abc import Sequence
from io import BytesIO

import pytest
from PIL import Image, ImageCms

from services.media.imaging.decoder import Decoder
from services.media.imaging.signatures import LOGO_FORMATS, Format, sniff
from services.media.imaging.tests import samples
from services.media.imaging.tests.judging import FAVICON, drawn
from services.media.imaging.tests.samples import encoded, quarters, tiff, tiff_fields

TOLERANCE = 3
WIDTH, HEIGHT = 312, 104
GREYS = [pixel[0] for pixel in samples.corners(quarters().convert("L").convert("RGB"))]
GREY_CORNERS = [(grey, grey, grey) for grey in GREYS]
SRGB = ImageCms.createProfile("sRGB")
Colours = Sequence[tuple[int, ...]]


def rgb() -> Image.Image:
    return quarters(WIDTH, HEIGHT)


def through(image: Image.Image, profile: bytes) -> Colours:
    """LittleCMS's own conversion of the quarters to sRGB."""
    source = ImageCms.ImageCmsProfile(BytesIO(profile))
    converted = ImageCms.profileToProfile(image, source, SRGB, outputMode="RGB")
    assert converted is not None
    return samples.corners(converted)


def lab() -> Image.Image:
    image = ImageCms.profileToProfile(rgb(), SRGB, ImageCms.createProfile("LAB"), outputMode="LAB")
    assert image is not None
    return image


def grey_samples(layout: str, scale: float) -> bytes:
    """The grey quarters as bare samples, row by row."""
    whole = layout[-1] not in "fd"
    row = [GREYS[0]] * (WIDTH // 2) + [GREYS[1]] * (WIDTH // 2)
    lower = [GREYS[2]] * (WIDTH // 2) + [GREYS[3]] * (WIDTH // 2)
    values = [value * scale for value in row * (HEIGHT // 2) + lower * (HEIGHT // 2)]
    return struct.pack(f"{layout[0]}{len(values)}{layout[1]}", *(round(v) if whole else v for v in values))


def grey_tiff(order: str, code: str, bits: int, scale: float, photometric: int = 1, kind: int = 1) -> bytes:
    data = grey_samples(order + code, scale)
    if photometric == 0:
        most = (1 << bits) - 1 if kind == 1 else 1.0
        values = struct.unpack(f"{order}{WIDTH * HEIGHT}{code}", data)
        data = struct.pack(f"{order}{WIDTH * HEIGHT}{code}", *(most - value for value in values))
    return tiff(tiff_fields(WIDTH, HEIGHT, (bits,), photometric, kind), data, order)


def wide_png(kind: int, samples_of: Colours, *extra: bytes) -> bytes:
    """A 16-bit PNG of four flat quarters."""
    packed = [struct.pack(f">{len(values)}H", *values) for values in samples_of]
    upper = b"\0" + packed[0] * (WIDTH // 2) + packed[1] * (WIDTH // 2)
    lower = b"\0" + packed[2] * (WIDTH // 2) + packed[3] * (WIDTH // 2)
    data = samples.idat(upper * (HEIGHT // 2) + lower * (HEIGHT // 2))
    return samples.png(*extra, data, width=WIDTH, height=HEIGHT, depth=16, kind=kind)


def widened(colours: Colours) -> Colours:
    return [tuple(sample * 257 for sample in colour) for colour in colours]


def few_colours() -> Image.Image:
    return rgb().quantize(8)


FINE = {"quality": 100, "subsampling": 0}
CORNERS: Colours = list(samples.CORNERS)
BLACK_WHITE: Colours = [(255,) * 3 if grey > 127 else (0,) * 3 for grey in GREYS]
CMYK_CORNERS = samples.corners(rgb().convert("CMYK").convert("RGB"))

OPAQUE: dict[str, tuple[bytes, Format, Colours]] = {
    "JPEG": (encoded(rgb(), "JPEG", **FINE), Format.JPEG, CORNERS),
    "JPEG progressive": (encoded(rgb(), "JPEG", progressive=True, **FINE), Format.JPEG, CORNERS),
    "JPEG grey": (encoded(rgb().convert("L"), "JPEG", **FINE), Format.JPEG, GREY_CORNERS),
    "JPEG Adobe CMYK": (encoded(rgb().convert("CMYK"), "JPEG", **FINE), Format.JPEG, CMYK_CORNERS),
    "JPEG RGB kept": (encoded(rgb(), "JPEG", keep_rgb=True, **FINE), Format.JPEG, CORNERS),
    "GIF": (encoded(few_colours(), "GIF"), Format.GIF, CORNERS),
    "GIF grey": (encoded(rgb().convert("L"), "GIF"), Format.GIF, GREY_CORNERS),
    "GIF interlaced": (encoded(few_colours(), "GIF", interlace=True), Format.GIF, CORNERS),
    "PNG": (encoded(rgb(), "PNG"), Format.PNG, CORNERS),
    "PNG grey": (encoded(rgb().convert("L"), "PNG"), Format.PNG, GREY_CORNERS),
    "PNG 1 bit": (encoded(rgb().convert("1", dither=Image.Dither.NONE), "PNG"), Format.PNG, BLACK_WHITE),
    "PNG palette": (encoded(few_colours(), "PNG", bits=4), Format.PNG, CORNERS),
    "PNG 16 bits grey": (wide_png(0, widened([(grey,) for grey in GREYS])), Format.PNG, GREY_CORNERS),
    "PNG 16 bits RGB": (wide_png(2, widened(CORNERS)), Format.PNG, CORNERS),
    "BMP": (encoded(rgb(), "BMP"), Format.BMP, CORNERS),
    "BMP 32 bits": (encoded(rgb().convert("RGBA"), "BMP"), Format.BMP, CORNERS),
    "BMP palette": (encoded(few_colours(), "BMP"), Format.BMP, CORNERS),
    "BMP 1 bit": (encoded(rgb().convert("1", dither=Image.Dither.NONE), "BMP"), Format.BMP, BLACK_WHITE),
    "PGM": (encoded(rgb().convert("L"), "PPM"), Format.PGM, GREY_CORNERS),
    "PGM to 100": (b"P5\n312 104 100\n" + grey_samples("<B", 100 / 255), Format.PGM, GREY_CORNERS),
    "PGM 16 bits": (b"P5 312 104\n65535 " + grey_samples(">H", 257), Format.PGM, GREY_CORNERS),
    "PGM plain": (
        b"P2\n# by hand\n312 104\n255\n" + " ".join(map(str, grey_samples("<B", 1))).encode(),
        Format.PGM,
        GREY_CORNERS,
    ),
    "TIFF": (encoded(rgb(), "TIFF"), Format.TIFF, CORNERS),
    "TIFF LZW": (encoded(rgb(), "TIFF", compression="tiff_lzw"), Format.TIFF, CORNERS),
    "TIFF Deflate": (encoded(rgb(), "TIFF", compression="tiff_adobe_deflate"), Format.TIFF, CORNERS),
    "TIFF PackBits": (encoded(rgb(), "TIFF", compression="packbits"), Format.TIFF, CORNERS),
    "TIFF JPEG": (encoded(rgb(), "TIFF", compression="jpeg", quality=100), Format.TIFF, CORNERS),
    "TIFF fax": (
        encoded(rgb().convert("1", dither=Image.Dither.NONE), "TIFF", compression="group4"),
        Format.TIFF,
        BLACK_WHITE,
    ),
    "TIFF palette": (encoded(few_colours(), "TIFF"), Format.TIFF, CORNERS),
    "TIFF CMYK": (encoded(rgb().convert("CMYK"), "TIFF"), Format.TIFF, CMYK_CORNERS),
    "TIFF Lab": (encoded(lab(), "TIFF"), Format.TIFF, CORNERS),
    "TIFF big-endian": (grey_tiff(">", "B", 8, 1), Format.TIFF, GREY_CORNERS),
    "TIFF grey from white": (grey_tiff("<", "B", 8, 1, photometric=0), Format.TIFF, GREY_CORNERS),
    "TIFF 16 bits": (grey_tiff("<", "H", 16, 257), Format.TIFF, GREY_CORNERS),
    "TIFF 16 bits big-endian": (grey_tiff(">", "H", 16, 257), Format.TIFF, GREY_CORNERS),
    "TIFF 16 bits from white": (grey_tiff(">", "H", 16, 257, photometric=0), Format.TIFF, GREY_CORNERS),
    "TIFF float to 1": (grey_tiff("<", "f", 32, 1 / 255, kind=3), Format.TIFF, GREY_CORNERS),
    "TIFF float to 255": (grey_tiff(">", "f", 32, 1, kind=3), Format.TIFF, GREY_CORNERS),
    "TIFF float from white": (
        grey_tiff("<", "f", 32, 1 / 255, photometric=0, kind=3),
        Format.TIFF,
        GREY_CORNERS,
    ),
    "JPEG with profile": (
        encoded(rgb(), "JPEG", icc_profile=samples.exchanged_profile(), **FINE),
        Format.JPEG,
        through(rgb(), samples.exchanged_profile()),
    ),
    "PNG with profile": (
        encoded(rgb(), "PNG", icc_profile=samples.exchanged_profile()),
        Format.PNG,
        through(rgb(), samples.exchanged_profile()),
    ),
    "PNG palette with profile": (
        encoded(few_colours(), "PNG", icc_profile=samples.exchanged_profile()),
        Format.PNG,
        through(rgb(), samples.exchanged_profile()),
    ),
    "PNG grey with profile": (
        encoded(rgb().convert("L"), "PNG", icc_profile=samples.grey_profile(1.0)),
        Format.PNG,
        through(rgb().convert("L"), samples.grey_profile(1.0)),
    ),
    "TIFF with profile": (
        encoded(rgb(), "TIFF", icc_profile=samples.exchanged_profile()),
        Format.TIFF,
        through(rgb(), samples.exchanged_profile()),
    ),
    "JPEG CMYK with profile": (
        encoded(rgb().convert("CMYK"), "JPEG", icc_profile=samples.cmyk_profile(), **FINE),
        Format.JPEG,
        through(rgb().convert("CMYK"), samples.cmyk_profile()),
    ),
    "profile of another space": (
        encoded(rgb(), "PNG", icc_profile=samples.cmyk_profile()),
        Format.PNG,
        CORNERS,
    ),
    "damaged profile": (
        encoded(rgb(), "PNG", icc_profile=samples.srgb_profile()[:200]),
        Format.PNG,
        CORNERS,
    ),
}


@pytest.mark.parametrize("name", OPAQUE)
def test_colours_are_right(name: str) -> None:
    content, source, expected = OPAQUE[name]
    actual = samples.corners(drawn(content))
    assert source == sniff(content, LOGO_FORMATS)
    for wanted, found in zip(expected, actual, strict=True):
        assert found[3] == 255
        assert max(abs(a - b) for a, b in zip(wanted, found[:3], strict=True)) <= TOLERANCE, (wanted, found)


@pytest.mark.parametrize("name", LOGO_FORMATS)
def test_decoding_process_draws_every_format_as_the_program_does(decoder: Decoder, name: str) -> None:
    content, source, _ = OPAQUE[name]
    converted = decoder.logo(content)
    assert source == converted.source_format
    assert (converted.source_width, converted.source_height) == (WIDTH, HEIGHT)
    assert drawn(content).tobytes() == samples.opened(converted.png).tobytes()


def half_clear(mode: str) -> Image.Image:
    """The quarters with the right half at alpha 0 and the left at 128."""
    alpha = Image.new("L", (WIDTH, HEIGHT), 128)
    alpha.paste(0, (WIDTH // 2, 0, WIDTH, HEIGHT))
    image = rgb().convert("L" if mode == "LA" else "RGB")
    image.putalpha(alpha)
    return image


def premultiplied_tiff() -> bytes:
    fields = tiff_fields(WIDTH, HEIGHT, (8, 8, 8, 8), 2) | {338: (3, (1,))}
    return tiff(fields, half_clear("RGBA").convert("RGBa").tobytes())


def wide_clear() -> Colours:
    alphas = (128, 0, 128, 0)
    return widened([(*colour, alpha) for colour, alpha in zip(CORNERS, alphas, strict=True)])


RIGHT_CLEAR: dict[str, tuple[bytes, Colours, int]] = {
    "PNG RGBA": (encoded(half_clear("RGBA"), "PNG"), CORNERS, 128),
    "PNG grey with alpha": (encoded(half_clear("LA"), "PNG"), GREY_CORNERS, 128),
    "PNG 16 bits RGBA": (wide_png(6, wide_clear()), CORNERS, 128),
    "PNG RGBA with profile": (
        encoded(half_clear("RGBA"), "PNG", icc_profile=samples.exchanged_profile()),
        through(rgb(), samples.exchanged_profile()),
        128,
    ),
    "TIFF RGBA": (encoded(half_clear("RGBA"), "TIFF"), CORNERS, 128),
    "TIFF premultiplied": (premultiplied_tiff(), CORNERS, 128),
}


@pytest.mark.parametrize("name", RIGHT_CLEAR)
def test_alpha_is_kept(name: str) -> None:
    content, expected, alpha = RIGHT_CLEAR[name]
    actual = samples.corners(drawn(content))
    assert [alpha, 0, alpha, 0] == [colour[3] for colour in actual]
    for wanted, found in ((expected[0], actual[0]), (expected[2], actual[2])):
        assert max(abs(a - b) for a, b in zip(wanted, found[:3], strict=True)) <= TOLERANCE


def alphas_of(content: bytes) -> list[int]:
    return [colour[3] for colour in samples.corners(drawn(content))]


def clear_chunk(*values: int) -> bytes:
    return samples.chunk(b"tRNS", struct.pack(f">{len(values)}H", *values))


def two_bit_greys() -> bytes:
    """Quarters of the four greys that two bits can hold, the brightest last."""
    upper = b"\0" + bytes([0b00000000] * (WIDTH // 8) + [0b01010101] * (WIDTH // 8))
    lower = b"\0" + bytes([0b10101010] * (WIDTH // 8) + [0b11111111] * (WIDTH // 8))
    data = samples.idat(upper * (HEIGHT // 2) + lower * (HEIGHT // 2))
    return samples.png(clear_chunk(3), data, width=WIDTH, height=HEIGHT, depth=2, kind=0)


def test_transparent_colour_of_each_kind_is_kept() -> None:
    grey = encoded(rgb().convert("L"), "PNG", transparency=GREYS[0])
    palette = few_colours()
    index = palette.getpixel((1, 1))
    wide_grey = wide_png(0, widened([(g,) for g in GREYS]), clear_chunk(GREYS[0] * 257))
    wide_rgb = wide_png(2, widened(CORNERS), clear_chunk(*(sample * 257 for sample in CORNERS[0])))
    for content in (
        encoded(rgb(), "PNG", transparency=CORNERS[0]),
        grey,
        wide_grey,
        wide_rgb,
        encoded(palette, "PNG", transparency=index),
        encoded(palette, "GIF", transparency=index),
        encoded(rgb().convert("L"), "GIF", transparency=GREYS[0]),
    ):
        assert alphas_of(content) == [0, 255, 255, 255]
    assert alphas_of(two_bit_greys()) == [255, 255, 255, 0]


def test_palette_with_graded_transparency_is_kept() -> None:
    palette = few_colours()
    alphas = bytes(40 * index for index in range(5))
    content = encoded(palette, "PNG", transparency=alphas)
    indices = list(palette.tobytes())
    wanted = [alphas[indices[y * WIDTH + x]] for x, y in ((1, 1), (310, 1), (1, 102), (310, 102))]
    assert wanted == alphas_of(content)


def test_alpha_that_nobody_filled_is_ignored() -> None:
    bitmap = encoded(Image.new("RGBA", (16, 16), (10, 20, 30, 0)), "BMP")
    icon = samples.ico((16, 32, samples.icon_bitmap(16, (10, 20, 30), alpha=0)))
    for content in (bitmap, icon):
        assert samples.pixel(drawn(content, FAVICON), 32, 32) == (10, 20, 30, 255)

"""What comes out: size, proportions, margins, orientation, and nothing else of the file (ME2, ME6)."""

import struct
import zlib

import pytest
from PIL import Image

from services.media.imaging.decoder import Decoder
from services.media.imaging.tests import samples
from services.media.imaging.tests.judging import drawing, drawn
from services.media.imaging.tests.samples import encoded, opened, pixel, quarters

RED = (200, 30, 60)
# Where the corners of an upright picture (1 2 / 3 4) lie in a file that asks for each orientation.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def box(image: Image.Image) -> tuple[int, int, int, int] | None:
    return image.getchannel("A").getbbox()


@pytest.mark.parametrize(
    ("width", "height", "shown"),
    [
        (312, 104, (0, 0, 312, 104)),
        (624, 208, (0, 0, 312, 104)),
        (600, 100, (0, 26, 312, 78)),
        (100, 100, (104, 0, 208, 104)),
        (3, 1, (0, 0, 312, 104)),
        (9000, 1, (0, 51, 312, 52)),
        (1, 9000, (155, 0, 156, 104)),
    ],
)
def test_logo_fills_312_by_104_with_its_proportions_kept(
    decoder: Decoder, width: int, height: int, shown: tuple[int, int, int, int]
) -> None:
    converted = decoder.logo(encoded(Image.new("RGB", (width, height), RED), "PNG"))
    image = opened(converted.png)
    assert (312, 104) == (converted.width, converted.height) == image.size
    assert (width, height) == (converted.source_width, converted.source_height)
    assert shown == box(image)
    left, top, right, bottom = shown
    assert (*RED, 255) == pixel(image, (left + right) // 2, (top + bottom) // 2)


def test_favicon_is_64_square_with_transparent_margins(decoder: Decoder) -> None:
    converted = decoder.favicon(encoded(Image.new("RGB", (200, 100), RED), "PNG"))
    assert (64, 64) == (converted.width, converted.height) == opened(converted.png).size
    assert box(opened(converted.png)) == (0, 16, 64, 48)


def test_small_favicon_is_enlarged_without_blur(decoder: Decoder) -> None:
    icon = quarters(16, 16)
    image = opened(decoder.favicon(encoded(icon, "PNG")).png)
    shrunk = image.convert("RGB").resize((16, 16), Image.Resampling.BOX)
    assert icon.tobytes() == shrunk.tobytes()


def test_picture_of_recommended_size_keeps_every_pixel(decoder: Decoder) -> None:
    noise = Image.merge("RGB", [Image.effect_noise((312, 104), sigma) for sigma in (20, 60, 90)])
    assert noise.tobytes() == opened(decoder.logo(encoded(noise, "PNG")).png).convert("RGB").tobytes()


def test_shrinking_does_not_mix_in_colours_of_transparent_pixels(decoder: Decoder) -> None:
    image = Image.new("RGBA", (624, 208), (0, 255, 0, 0))
    image.paste((*RED, 255), (0, 0, 311, 208))
    shrunk = opened(decoder.logo(encoded(image, "PNG")).png)
    edge = next(pixel(shrunk, x, 50) for x in range(312) if 0 < pixel(shrunk, x, 50)[3] < 255)
    assert max(abs(a - b) for a, b in zip(RED, edge[:3], strict=True)) <= 3


@pytest.mark.parametrize("size", [(312, 104), (312, 208)])
def test_nothing_stays_hidden_under_transparent_pixels(decoder: Decoder, size: tuple[int, int]) -> None:
    secret = Image.new("RGBA", size, (1, 2, 3, 0))
    assert bytes(312 * 104 * 4) == opened(decoder.logo(encoded(secret, "PNG")).png).tobytes()


@pytest.mark.parametrize("orientation", TURNS)
def test_orientation_is_applied_in_every_format_that_has_one(orientation: int) -> None:
    stored = quarters(300, 100).transpose(TURNS[orientation])
    exif = b"Exif\0\0" + samples.exif(orientation)
    for content in (
        encoded(stored, "JPEG", quality=100, subsampling=0, exif=exif),
        encoded(stored, "PNG", exif=exif),
        encoded(stored, "TIFF", tiffinfo={274: orientation}),
        encoded(stored, "TIFF", tiffinfo={274: orientation}, compression="tiff_lzw"),
    ):
        assert drawing(content)[1:] == (300, 100)
        for wanted, found in zip(samples.CORNERS, samples.corners(drawn(content)), strict=True):
            assert max(abs(a - b) for a, b in zip(wanted, found[:3], strict=True)) <= 3


@pytest.mark.parametrize(
    "exif", [b"", b"MM\0\x2a", samples.exif(9), b"II\x2a\0\xff\xff\xff\xff", b"\xff" * 900]
)
def test_damaged_orientation_is_ignored(exif: bytes) -> None:
    content = samples.with_chunks(encoded(quarters(), "PNG"), samples.chunk(b"eXIf", exif))
    assert (*RED, 255) == samples.corners(drawn(content))[0]


def test_png_has_the_promised_chunks_and_nothing_else(decoder: Decoder) -> None:
    source = encoded(
        quarters(), "PNG", icc_profile=samples.srgb_profile(), dpi=(300, 300), exif=samples.exif(3)
    )
    text = samples.chunk(b"tEXt", b"Author\0somebody") + samples.chunk(b"tIME", bytes(7))
    for output in (
        decoder.logo(samples.with_chunks(source, text)).png,
        decoder.favicon(samples.with_chunks(source, text)).png,
    ):
        first, second, *data, last = samples.chunks(output)
        assert (first[0], second[0], second[1]) == (b"IHDR", b"sRGB", b"\0")
        assert {b"IDAT"} == {kind for kind, _ in data}
        assert last == (b"IEND", b"")
        width, height, depth, colour, *method = struct.unpack(">IIBBBBB", first[1])
        assert (depth, colour, method) == (8, 6, [0, 0, 0])
        unpacker = zlib.decompressobj()
        raw = unpacker.decompress(b"".join(body for _, body in data))
        assert (height * (1 + 4 * width), True, b"") == (len(raw), unpacker.eof, unpacker.unused_data)
        assert b"somebody" not in output


def test_same_file_gives_the_same_bytes(decoder: Decoder) -> None:
    content = encoded(quarters(500, 300), "PNG")
    assert decoder.logo(content) == decoder.logo(content)


def test_only_the_first_frame_counts(decoder: Decoder) -> None:
    frames = [Image.new("RGB", (312, 104), colour) for colour in samples.CORNERS]
    for plugin in ("GIF", "PNG", "TIFF"):
        content = encoded(frames[0], plugin, save_all=True, append_images=frames[1:])
        image = opened(decoder.logo(content).png)
        assert (*RED, 255) == pixel(image, 156, 52)


def test_largest_icon_of_an_ico_is_taken(decoder: Decoder) -> None:
    small = (16, 32, samples.icon_bitmap(16, (1, 2, 3)))
    large = (48, 32, samples.icon_bitmap(48, RED))
    png = (64, 32, encoded(Image.new("RGBA", (64, 64), (20, 160, 90, 255)), "PNG"))
    for icons, wanted in (((small, large), RED), ((large, small), RED), ((small, png, large), (20, 160, 90))):
        converted = decoder.favicon(samples.ico(*icons))
        assert converted.source_format == "ICO"
        assert (*wanted, 255) == pixel(opened(converted.png), 32, 32)


def masked_bitmap(bits: int, row: bytes, palette: bytes) -> bytes:
    """A 16 x 16 icon of one colour whose right half is masked out, as icons had it before alpha."""
    header = struct.pack("<IiiHHIIiiII", 40, 16, 32, 1, bits, 0, 0, 0, 0, len(palette) // 4, 0)
    return header + palette + row * 16 + b"\x00\xff\0\0" * 16


@pytest.mark.parametrize(
    ("bits", "row", "palette"),
    [(8, b"\1" * 16, bytes(4) + b"\x3c\x1e\xc8\0"), (24, b"\x3c\x1e\xc8" * 16, b"")],
)
def test_mask_of_an_old_icon_is_kept(decoder: Decoder, bits: int, row: bytes, palette: bytes) -> None:
    content = samples.ico((16, bits, masked_bitmap(bits, row, palette)))
    image = opened(decoder.favicon(content).png)
    assert (*RED, 255) == pixel(image, 15, 32)
    assert pixel(image, 48, 32) == (0, 0, 0, 0)

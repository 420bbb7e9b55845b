"""Each rule refuses what breaks it, at its limit and not before, and says so (ME1, ME6)."""

import struct
from io import BytesIO

import pytest
from PIL import Image

from services.media.imaging.decoder import Decoder
from services.media.imaging.errors import MAX_BYTES, Reason, Refused
from services.media.imaging.tests import samples
from services.media.imaging.tests.judging import FAVICON, judged, refusal
from services.media.imaging.tests.samples import chunk, encoded, png, quarters, tiff, tiff_fields
from services.media.imaging.wire import Drawing

PLAIN = Image.new("RGB", (20, 10), (200, 30, 60))


def refused_by(decoder: Decoder, content: bytes) -> Refused:
    with pytest.raises(Refused) as caught:
        decoder.logo(content)
    return caught.value


def padded(content: bytes, length: int) -> bytes:
    return content + bytes(length - len(content))


def test_one_mebibyte_is_accepted_and_one_byte_more_is_not(decoder: Decoder) -> None:
    content = encoded(PLAIN, "PNG")
    assert decoder.logo(padded(content, 1_048_576)).width == 312
    refused = refused_by(decoder, padded(content, 1_048_577))
    assert (refused.reason, refused.metadata) == (Reason.TOO_LARGE, {"limit": "1048576"})
    assert refused.message == "The file has more than 1048576 bytes."


def test_empty_file_is_refused(decoder: Decoder) -> None:
    assert refused_by(decoder, b"").reason == Reason.EMPTY


def mpo() -> bytes:
    return encoded(quarters(), "MPO", save_all=True, append_images=[quarters()])


FOREIGN = {
    "WebP": encoded(PLAIN, "WEBP"),
    "AVIF or HEIC": encoded(PLAIN, "AVIF"),
    "JPEG 2000": encoded(PLAIN, "JPEG2000"),
    "PDF": encoded(PLAIN, "PDF"),
    "EPS": encoded(PLAIN, "EPS"),
    "SVG": b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "HTML": b"<!DOCTYPE html><script>alert(1)</script>",
    "ICO": encoded(PLAIN, "ICO"),
    "CUR": b"\0\0\2\0\1\0" + bytes(100),
    "BigTIFF": encoded(PLAIN, "TIFF", big_tiff=True),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_other_formats_are_refused_by_their_name(decoder: Decoder, name: str) -> None:
    refused = refused_by(decoder, FOREIGN[name])
    assert refused.reason == Reason.UNKNOWN_FORMAT
    assert {"limit": "JPEG, GIF, PNG, BMP, PGM, TIFF", "found": name} == refused.metadata


@pytest.mark.parametrize(
    "content",
    [
        encoded(PLAIN, "PPM"),
        encoded(PLAIN.convert("1"), "PPM"),
        encoded(PLAIN.convert("F"), "PPM"),
        b"P3\n1 1\n255\n1 2 3\n",
        b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 1\nMAXVAL 255\nTUPLTYPE GRAYSCALE\nENDHDR\n\0",
        b"PyP5\n1 1\n255\n\0",
        b"P5",
        b"BM is how this letter starts",
        b"GIF90a" + bytes(100),
        b"\xff\xd8 no",
        b" " + encoded(PLAIN, "PNG"),
        encoded(PLAIN, "TGA"),
        encoded(PLAIN, "PCX"),
        encoded(PLAIN, "DDS"),
        b"PK\x03\x04" + bytes(100),
    ],
)
def test_friends_of_the_formats_are_refused(decoder: Decoder, content: bytes) -> None:
    assert refused_by(decoder, content).reason == Reason.UNKNOWN_FORMAT


def tiff_of_codec(codec: int) -> bytes:
    return tiff(tiff_fields(20, 10, (8,), 1) | {259: (3, (codec,))}, bytes(200))


@pytest.mark.parametrize(
    "content",
    [
        mpo(),
        tiff_of_codec(34925),
        tiff_of_codec(50001),
        tiff_of_codec(50000),
        encoded(PLAIN, "BMP").replace(struct.pack("<HHI", 1, 24, 0), struct.pack("<HHI", 1, 24, 5)),
        encoded(PLAIN, "JPEG").replace(b"\xff\xc0\0\x11\x08", b"\xff\xc0\0\x11\x0c"),
    ],
    ids=["MPO", "TIFF LZMA", "TIFF WebP", "TIFF Zstandard", "BMP PNG", "JPEG 12 bits"],
)
def test_variants_that_bring_another_format_are_refused(content: bytes) -> None:
    assert refusal(content).reason == Reason.UNSUPPORTED_KIND


def flat(width: int, height: int, plugin: str) -> bytes:
    return encoded(Image.new("1" if plugin == "BMP" else "L", (width, height)), plugin)


def oversized() -> dict[str, bytes]:
    width, height = 50_000, 50_000
    jpeg = encoded(PLAIN, "JPEG").replace(struct.pack(">HH", 10, 20), struct.pack(">HH", width, height))
    gif = bytearray(encoded(PLAIN, "GIF"))
    gif[6:10] = struct.pack("<HH", width, height)
    frame = bytearray(encoded(PLAIN, "GIF"))
    at = frame.index(b"," + struct.pack("<HHHH", 0, 0, 20, 10))
    frame[at + 5 : at + 9] = struct.pack("<HH", width, height)
    bitmap = encoded(PLAIN, "BMP").replace(struct.pack("<ii", 20, 10), struct.pack("<ii", width, height))
    upside_down = encoded(PLAIN, "BMP").replace(
        struct.pack("<ii", 20, 10), struct.pack("<ii", width, -height)
    )
    fields = tiff_fields(10, 10, (8,), 1)
    tiles = {322: (4, (width,)), 323: (4, (height,)), 324: (4, (8,)), 325: (4, (100,))}
    return {
        "PNG": png(samples.idat(b"\0" * 1000), width=width, height=height),
        "PNG of the largest sides": png(samples.idat(b"\0"), width=2**31 - 1, height=2**31 - 1),
        "JPEG": jpeg,
        "GIF screen": bytes(gif),
        "GIF frame": bytes(frame),
        "BMP": bitmap,
        "BMP upside down": upside_down,
        "PGM": b"P5 50000 50000 255\n" + bytes(1000),
        "TIFF": tiff(tiff_fields(width, height, (8,), 1), bytes(1000)),
        "TIFF tiles": tiff(fields | tiles, bytes(100)),
    }


OVERSIZED = oversized()


@pytest.mark.parametrize("name", OVERSIZED)
def test_more_than_ten_million_pixels_are_refused(name: str) -> None:
    assert refusal(OVERSIZED[name]).reason == Reason.TOO_MANY_PIXELS


def test_exactly_ten_million_pixels_are_accepted(decoder: Decoder) -> None:
    assert decoder.logo(flat(4000, 2500, "PNG")).source_width == 4000
    refused = refused_by(decoder, flat(4000, 2501, "PNG"))
    assert (refused.reason, refused.metadata) == (Reason.TOO_MANY_PIXELS, {"limit": "10000000"})


def test_oversized_icon_is_refused() -> None:
    bitmap = struct.pack("<IiiHHIIiiII", 40, 9000, 18000, 1, 32, *[0] * 6)
    for icon in (png(samples.idat(b"\0"), width=9000, height=9000), bitmap):
        assert refusal(samples.ico((16, 32, icon)), FAVICON).reason == Reason.TOO_MANY_PIXELS


def test_one_hundred_scans_are_accepted_and_one_more_is_not(decoder: Decoder) -> None:
    assert decoder.logo(samples.scan_bomb(99, side=64)).source_width == 64
    refused = refused_by(decoder, samples.scan_bomb(100, side=64))
    assert (refused.reason, refused.metadata) == (Reason.TOO_MANY_SCANS, {"limit": "100"})


def test_eighty_thousand_scans_are_refused(decoder: Decoder) -> None:
    content = samples.scan_bomb(80_000)
    assert len(content) < MAX_BYTES
    assert refused_by(decoder, content).reason == Reason.TOO_MANY_SCANS


@pytest.mark.parametrize(
    "content",
    [
        png(samples.idat(b"\0"), width=0, height=0),
        encoded(PLAIN, "JPEG").replace(struct.pack(">HH", 10, 20), struct.pack(">HH", 0, 20)),
        b"GIF89a" + bytes(7) + b"," + bytes(9) + b"\2\0;",
        encoded(PLAIN, "BMP").replace(struct.pack("<ii", 20, 10), struct.pack("<ii", 0, 10)),
        encoded(PLAIN, "BMP").replace(struct.pack("<ii", 20, 10), struct.pack("<ii", -20, 10)),
        b"P5 0 0 255\n",
        b"P5 1 1 0\n\0",
        b"P5 1 1 65536\n\0\0",
        b"P2 1 1 255\nmany",
        tiff(tiff_fields(0, 0, (8,), 1), b""),
        tiff({}, b""),
        png(chunk(b"IHDR", struct.pack(">IIBBBBB", 9, 9, 8, 2, 0, 0, 0)), samples.idat(bytes(4))),
        png(),
        png(samples.idat(bytes(4)), depth=3),
        png(chunk(b"IDAT", b"not deflated")),
        png(samples.idat(bytes(4))).replace(b"\x08\x02", b"\x08\x00", 1),
        b"\xff\xd8\xff\xd9",
        encoded(PLAIN, "JPEG")[:-2] * 2 + b"\xff\xd9",
    ],
)
def test_files_that_hold_no_picture_are_refused(content: bytes) -> None:
    assert refusal(content).reason == Reason.UNREADABLE


WHOLE = {
    "JPEG": encoded(quarters(), "JPEG"),
    "JPEG progressive": encoded(quarters(), "JPEG", progressive=True),
    "PNG": encoded(quarters(), "PNG"),
    "BMP": encoded(quarters(40, 20), "BMP"),
    "PGM": encoded(quarters(40, 20).convert("L"), "PPM"),
    "GIF": encoded(quarters().quantize(8), "GIF")[:-1],
    "TIFF": tiff(tiff_fields(40, 20, (8, 8, 8), 2), bytes(2400)),
    "TIFF LZW": encoded(quarters(), "TIFF", compression="tiff_lzw"),
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_file_cut_short_anywhere_is_refused(name: str) -> None:
    content = WHOLE[name]
    assert isinstance(judged(content), Drawing)
    for length in range(32, len(content), max(1, len(content) // 100)):
        assert refusal(content[:length]).reason == Reason.TRUNCATED


def test_message_and_metadata_hold_nothing_of_the_file(decoder: Decoder) -> None:
    marker = b"x-marks-the-spot"
    broken = BytesIO(encoded(PLAIN, "PNG"))
    broken.seek(41)
    broken.write(marker)
    for content in (broken.getvalue(), marker * 9, b"P5 " + marker, b"GIF89a" + marker * 9):
        refused = refused_by(decoder, content)
        assert "marks" not in f"{refused}{refused.message}{refused.metadata}{refused.detail}"

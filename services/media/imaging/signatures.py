"""Which format a file is, by its first bytes alone: never by its name or its declared type (ME1)."""

import re
from enum import StrEnum

from services.media.imaging.errors import Reason, Refused


class Format(StrEnum):
    """The formats that an import may have."""

    JPEG = "JPEG"
    GIF = "GIF"
    PNG = "PNG"
    BMP = "BMP"
    PGM = "PGM"
    TIFF = "TIFF"
    ICO = "ICO"


LOGO_FORMATS = (Format.JPEG, Format.GIF, Format.PNG, Format.BMP, Format.PGM, Format.TIFF)
FAVICON_FORMATS = (*LOGO_FORMATS, Format.ICO)

_SIGNATURES = {
    Format.JPEG: re.compile(rb"\xff\xd8\xff"),
    Format.GIF: re.compile(rb"GIF8[79]a"),
    Format.PNG: re.compile(rb"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR"),
    Format.BMP: re.compile(rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\x00\x00\x00", re.DOTALL),
    Format.PGM: re.compile(rb"P[25][\s#]"),
    Format.TIFF: re.compile(rb"II\x2a\x00|MM\x00\x2a"),
    Format.ICO: re.compile(rb"\x00\x00\x01\x00(?!\x00\x00).{2}", re.DOTALL),
}

_NAMED_FOR_THE_MESSAGE = {
    "WebP": re.compile(rb"RIFF....WEBP", re.DOTALL),
    "AVIF or HEIC": re.compile(rb"....ftyp", re.DOTALL),
    "JPEG 2000": re.compile(rb"\x00\x00\x00\x0cjP  |\xff\x4f\xff\x51"),
    "JPEG XL": re.compile(rb"\xff\x0a|\x00\x00\x00\x0cJXL "),
    "Photoshop": re.compile(rb"8BPS"),
    "PDF": re.compile(rb"%PDF-"),
    "EPS": re.compile(rb"%!PS|\xc5\xd0\xd3\xc6"),
    "SVG": re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:\?xml|svg)"),
    "HTML": re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype html|html)", re.IGNORECASE),
    "PBM, PPM, PAM or PFM": re.compile(rb"P[13467Ff]\s"),
    "BigTIFF": re.compile(rb"II\x2b\x00|MM\x00\x2b"),
    "CUR": re.compile(rb"\x00\x00\x02\x00"),
}


def sniff(content: bytes, accepted: tuple[Format, ...]) -> Format:
    """The accepted format that `content` starts as; `Refused` UNKNOWN_FORMAT naming what it is instead."""
    for candidate in accepted:
        if _SIGNATURES[candidate].match(content):
            return candidate
    raise Refused(Reason.UNKNOWN_FORMAT, limit=", ".join(accepted), found=_name(content[:512]))


def _name(start: bytes) -> str:
    others = (*_SIGNATURES.items(), *_NAMED_FOR_THE_MESSAGE.items())
    return next((str(name) for name, signature in others if signature.match(start)), "")

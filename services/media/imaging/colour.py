"""Bring a decoded image of any mode to 8-bit sRGB, with alpha when it has some (ME2, ME6)."""

import math
from io import BytesIO

from PIL import Image, ImageChops, ImageCms

from services.media.imaging.picture import Picture

_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
_LAB = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
_PROFILE_SPACES = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}
_PROFILE_CLASSES = frozenset({"mntr", "scnr", "prtr", "spac"})
_LAYOUTS = {"1": "L", "PA": "RGBA", "La": "LA", "RGBa": "RGBA", "RGBX": "RGB", "YCbCr": "RGB"}
_WIDE = frozenset({"I", "F", "I;16", "I;16B", "I;16L", "I;16N"})
_FULL_SCALES = (1.0, 255.0, 65535.0)


def to_srgb(image: Image.Image, picture: Picture) -> Image.Image:
    """`image` as RGB, or as RGBA if any of it is transparent.

    CIE Lab is converted by LittleCMS; an embedded profile is followed when LittleCMS takes it and it fits the
    pixels, with the perceptual intent; everything else counts as sRGB, CMYK by Pillow's own formula.
    """
    image = _plain_layout(_narrow(image, picture))
    alpha = _alpha(image, picture)
    if image.mode in ("LA", "RGBA"):
        image = image.convert(image.mode[:-1])
    image = _managed(image, picture.profile)
    if alpha is not None:
        image.putalpha(alpha)
    return image


def _narrow(image: Image.Image, picture: Picture) -> Image.Image:
    if image.mode not in _WIDE:
        return image
    if image.mode.startswith("I;16"):
        image, white = image.convert("I"), float(2**picture.depth - 1)
    else:
        white = _full_scale(image)
    # Conversion to "L" cuts fractions off: half a step more makes it round.
    image = image.convert("F").point(lambda value: value * (255 / white) + 0.5).convert("L")
    return ImageChops.invert(image) if picture.inverted else image


def _full_scale(image: Image.Image) -> float:
    """Nothing in a TIFF says what white is in float or 32-bit samples: the usual scale that holds all."""
    top = float(image.getextrema()[1])  # type: ignore[arg-type]
    return next((scale for scale in _FULL_SCALES if not top > scale), top if math.isfinite(top) else 1.0)


def _plain_layout(image: Image.Image) -> Image.Image:
    if image.mode == "P":
        return image.convert("RGBA" if image.has_transparency_data else "RGB")
    if image.mode == "L" and image.has_transparency_data:
        return image.convert("LA")
    layout = _LAYOUTS.get(image.mode)
    return image.convert(layout) if layout else image


def _alpha(image: Image.Image, picture: Picture) -> Image.Image | None:
    if picture.clear and len(picture.clear) == len(image.getbands()):
        return _all_but(image, picture.clear)
    if image.mode not in ("LA", "RGBA"):
        return None
    alpha = image.getchannel("A")
    lowest, highest = alpha.getextrema()
    # Bitmaps often come with an alpha channel that nobody filled.
    unused = highest == 0 and picture.plugin in ("BMP", "ICO")
    return None if lowest == 255 or unused else alpha


def _all_but(image: Image.Image, clear: tuple[int, ...]) -> Image.Image:
    bands = [
        band.point([0 if value == sample else 255 for value in range(256)])
        for band, sample in zip(image.split(), clear, strict=True)
    ]
    alpha = bands[0]
    for band in bands[1:]:
        alpha = ImageChops.lighter(alpha, band)
    return alpha


def _managed(image: Image.Image, profile: bytes) -> Image.Image:
    if image.mode == "LAB":
        return _converted(image, _LAB)
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            if _fits(source, image.mode):
                return _converted(image, source)
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            # A damaged profile says nothing about the colours, and is no fault of the picture.
            pass
    return image.convert("RGB")


def _fits(source: ImageCms.ImageCmsProfile, mode: str) -> bool:
    space, kind = source.profile.xcolor_space.strip(), source.profile.device_class
    return space == _PROFILE_SPACES.get(mode) and kind in _PROFILE_CLASSES


def _converted(image: Image.Image, source: ImageCms.ImageCmsProfile) -> Image.Image:
    result = ImageCms.profileToProfile(image, source, _SRGB, ImageCms.Intent.PERCEPTUAL, "RGB")
    assert result is not None
    return result

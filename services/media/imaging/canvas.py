"""Place an image in the middle of a transparent canvas, as large as fits (ME2)."""

from PIL import Image

from services.media.imaging.target import Target

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ON_ITS_SIDE = frozenset({5, 6, 7, 8})


def displayed_size(image: Image.Image, orientation: int) -> tuple[int, int]:
    """Width and height as seen once the orientation is applied."""
    return (image.height, image.width) if orientation in _ON_ITS_SIDE else image.size


def fit(image: Image.Image, orientation: int, target: Target) -> bytes:
    """The RGBA pixels of `image` turned upright, scaled up or down with its proportions kept, and centred.

    Wholly transparent pixels come out as zeros, so that nothing stays hidden under them.
    """
    width, height = _scaled(displayed_size(image, orientation), target)
    before_turn = (height, width) if orientation in _ON_ITS_SIDE else (width, height)
    resized = _resized(image, before_turn, target.crisp)
    upright = resized.transpose(_TURNS[orientation]) if orientation in _TURNS else resized
    canvas = Image.new("RGBA", (target.width, target.height))
    visible = upright.getchannel("A").point([0] + [255] * 255)
    canvas.paste(upright, ((target.width - width) // 2, (target.height - height) // 2), visible)
    return canvas.tobytes()


def _scaled(size: tuple[int, int], target: Target) -> tuple[int, int]:
    width, height = size
    scale = min(target.width / width, target.height / height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _resized(image: Image.Image, size: tuple[int, int], crisp: bool) -> Image.Image:
    if image.size == size:
        return image.convert("RGBA")
    if crisp and size[0] % image.width == 0 and size[1] % image.height == 0:
        return image.convert("RGBA").resize(size, Image.Resampling.NEAREST)
    larger = size[0] > image.width or size[1] > image.height
    method = Image.Resampling.BICUBIC if larger else Image.Resampling.LANCZOS
    # Pillow weighs colours by their alpha here: edges do not take on the colour of what is transparent.
    return image.resize(size, method).convert("RGBA")

"""Files that merchants might import."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from PIL import Image


def picture(width: int, height: int, colour: str = "navy", plugin: str = "PNG", **options: Any) -> bytes:
    """A file of one colour."""
    file = BytesIO()
    Image.new("RGB", (width, height), colour).save(file, plugin, **options)
    return file.getvalue()


def opened(png: bytes) -> Image.Image:
    """The PNG, decoded."""
    image = Image.open(BytesIO(png), formats=("PNG",))
    image.load()
    return image

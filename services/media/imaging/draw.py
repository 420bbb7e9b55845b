"""From a file to the pixels of an output: everything that happens inside the decoding process."""

from io import BytesIO

from PIL import Image

from services.media.imaging.canvas import displayed_size, fit
from services.media.imaging.colour import to_srgb
from services.media.imaging.first_picture import first_picture
from services.media.imaging.picture import check_size
from services.media.imaging.signatures import Format
from services.media.imaging.target import Target
from services.media.imaging.wire import Drawing


def draw(content: bytes, source: Format, target: Target) -> Drawing:
    """Decode `content` with the one decoder of its format and fit it to `target`.

    Raises `Refused` for the rules that this project checks itself, and whatever Pillow raises for the rest.
    """
    picture = first_picture(content, source)
    image: Image.Image = Image.open(BytesIO(picture.content), formats=(picture.plugin,))
    check_size(*image.size)
    image.load()
    width, height = displayed_size(image, picture.orientation)
    return Drawing(fit(to_srgb(image, picture), picture.orientation, target), width, height)

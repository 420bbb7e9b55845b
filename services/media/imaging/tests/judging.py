"""Ask the decoding program itself, without a process of its own: for the many files of a table."""

from PIL import Image

from services.media.imaging.signatures import sniff
from services.media.imaging.target import FAVICON, LOGO, Target
from services.media.imaging.wire import Drawing, Refusal, decode_reply, encode_request
from services.media.imaging.worker import answer


def judged(content: bytes, target: Target = LOGO) -> Drawing | Refusal:
    """What a decoding process would answer; raises whatever it would not have caught."""
    source = sniff(content, target.formats)
    return decode_reply(answer(encode_request(content, source, target)), target)


def refusal(content: bytes, target: Target = LOGO) -> Refusal:
    """The refusal of a file that must be refused."""
    verdict = judged(content, target)
    assert isinstance(verdict, Refusal), (verdict.source_width, verdict.source_height)
    return verdict


def drawing(content: bytes, target: Target = LOGO) -> Drawing:
    """The drawing of a file that must be accepted."""
    verdict = judged(content, target)
    assert isinstance(verdict, Drawing), verdict
    return verdict


def drawn(content: bytes, target: Target = LOGO) -> Image.Image:
    """The picture of a file that must be accepted."""
    return Image.frombytes("RGBA", (target.width, target.height), drawing(content, target).pixels)


__all__ = ["FAVICON", "LOGO", "drawing", "drawn", "judged", "refusal"]

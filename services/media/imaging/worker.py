"""The decoding process, as started by `process`: greets, reads one file, answers, ends."""

# All that decoding may need is imported here: once confined, the process cannot open another file.
import copy  # noqa: F401
import os
import sys
import warnings

from PIL import (  # noqa: F401
    BmpImagePlugin,
    GifImagePlugin,
    IcoImagePlugin,
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
)

from services.media.imaging.confine import confine
from services.media.imaging.draw import draw
from services.media.imaging.errors import MAX_BYTES, Reason, Refused
from services.media.imaging.wire import LONGEST_LINE, Refusal, decode_request, encode_drawing, encode_refusal


def answer(request: bytes) -> bytes:
    """The reply to a request; every failure of a decoder is a refusal."""
    try:
        return encode_drawing(draw(*decode_request(request)))
    except Refused as refused:
        return encode_refusal(Refusal(refused.reason, refused.detail))
    except MemoryError:
        return encode_refusal(Refusal(Reason.TOO_MUCH_MEMORY, ""))
    except Exception as failure:
        return encode_refusal(Refusal(Reason.UNREADABLE, type(failure).__name__))


def main(memory_bytes: int, cpu_seconds: int) -> None:
    """Confine the process, then serve one request from standard input to standard output."""
    warnings.simplefilter("ignore")
    Image.preinit()
    confinement = confine(memory_bytes, cpu_seconds)
    _write(" ".join(("ready", *(str(int(right)) for right in confinement))).encode() + b"\n")
    request = sys.stdin.buffer.read(LONGEST_LINE + MAX_BYTES)
    if request:
        _write(answer(request))
    # Nothing is worth tidying up, and a decoder's memory may be in any state.
    os._exit(0)


def _write(message: bytes) -> None:
    sys.stdout.buffer.write(message)
    sys.stdout.buffer.flush()

"""What the service and a decoding process say to each other: a greeting, one request, one reply.

The service takes nothing on trust: a reply is a known reason, or exactly as many pixels as were asked for.
"""

import re
from typing import NamedTuple

from services.media.imaging.errors import Reason
from services.media.imaging.signatures import Format
from services.media.imaging.target import TARGETS, Target

LONGEST_LINE = 128
_DRAWN = re.compile(rb"drawn (\d{1,8}) (\d{1,8})\n")
_REFUSED = re.compile(rb"refused ([A-Z_]{1,32}) (\w{0,64})\n")
_REASONS = frozenset(Reason)


class Drawing(NamedTuple):
    """RGBA pixels of the target's size, and the size in pixels that the source shows at."""

    pixels: bytes
    source_width: int
    source_height: int


class Refusal(NamedTuple):
    """Why there is no drawing, and for the operator the name of what went wrong."""

    reason: Reason
    detail: str


class Garbled(Exception):
    """A process said what the honest program never says."""


def encode_request(content: bytes, source: Format, target: Target) -> bytes:
    """Ask for `content`, known to start as `source`, to be drawn for `target`."""
    return f"draw {source} {target.name}\n".encode() + content


def decode_request(request: bytes) -> tuple[bytes, Format, Target]:
    """Content, source and target of a request; ValueError or KeyError if it is none."""
    line, _, content = request.partition(b"\n")
    _, source, target = line.decode().split(" ")
    return content, Format(source), TARGETS[target]


def encode_drawing(drawing: Drawing) -> bytes:
    """Answer with pixels."""
    return f"drawn {drawing.source_width} {drawing.source_height}\n".encode() + drawing.pixels


def encode_refusal(refusal: Refusal) -> bytes:
    """Answer with a reason; only letters, digits and low lines of the detail travel."""
    return f"refused {refusal.reason} {re.sub('[^A-Za-z0-9_]+', '_', refusal.detail)[:64]}\n".encode()


def decode_reply(reply: bytes, target: Target) -> Drawing | Refusal:
    """The drawing or the refusal in a reply; `Garbled` if it is neither."""
    if (drawn := _DRAWN.match(reply)) and len(reply) == drawn.end() + target.size_in_bytes:
        return Drawing(reply[drawn.end() :], int(drawn[1]), int(drawn[2]))
    if (refused := _REFUSED.fullmatch(reply)) and refused[1].decode() in _REASONS:
        return Refusal(Reason(refused[1].decode()), refused[2].decode())
    raise Garbled

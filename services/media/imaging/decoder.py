"""Convert imports to logos and favicons, in processes that cannot hurt anyone (ME1, ME2, ME3, ME6)."""

import math
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Self

from services.media.imaging.confine import Confinement
from services.media.imaging.errors import MAX_BYTES, Exhausted, Reason, Refused
from services.media.imaging.output import encode_png
from services.media.imaging.process import Died, Process
from services.media.imaging.signatures import Format, sniff
from services.media.imaging.target import FAVICON, LOGO, Target
from services.media.imaging.wire import LONGEST_LINE, Drawing, Garbled, Refusal, decode_reply, encode_request

DEFAULT_MEMORY_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ConvertedImage:
    """A PNG ready to serve, its size, and the format and size in pixels of what it was made from."""

    png: bytes
    width: int
    height: int
    source_format: Format
    source_width: int
    source_height: int


class Decoder:
    """Converts up to `slots` files at a time, each in a process of its own that serves only that one.

    Every call is decided within `deadline_seconds` of wall time, start of the process included, and a
    process has at most `memory_bytes` of address space. One process is kept warm ahead, so that a lone import
    does not wait for Python to start. Thread-safe; never forks, so it may live in a gRPC server. Raises
    OSError when `python` cannot be run.
    """

    def __init__(
        self,
        slots: int = 2,
        deadline_seconds: float = 2.5,
        memory_bytes: int = DEFAULT_MEMORY_BYTES,
        python: str = sys.executable,
    ) -> None:
        self._slots = threading.BoundedSemaphore(slots)
        self._deadline_seconds = deadline_seconds
        self._memory_bytes = memory_bytes
        self._python = python
        self._lock = threading.Lock()
        self._closed = False
        self._spare: Process | None = self._spawn()

    def logo(self, content: bytes) -> ConvertedImage:
        """The 312 x 104 logo made from a JPEG, GIF, PNG, BMP, PGM or TIFF; `Refused` or `Exhausted`."""
        return self._convert(content, LOGO)

    def favicon(self, content: bytes) -> ConvertedImage:
        """The 64 x 64 icon made from any format of a logo, or from an ICO; `Refused` or `Exhausted`."""
        return self._convert(content, FAVICON)

    def check(self) -> Confinement:
        """Start a process and tell how far it is confined; `Exhausted` if none can be started."""
        process, confinement = self._ready(self._deadline())
        process.kill()
        self._warm()
        return confinement

    def close(self) -> None:
        """Start no more processes and end the spare one; conversions in hand finish."""
        with self._lock:
            self._closed = True
            spare, self._spare = self._spare, None
        if spare is not None:
            spare.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _convert(self, content: bytes, target: Target) -> ConvertedImage:
        deadline = self._deadline()
        if not content:
            raise Refused(Reason.EMPTY)
        if len(content) > MAX_BYTES:
            raise Refused(Reason.TOO_LARGE)
        source = sniff(content, target.formats)
        with self._slot():
            drawing = self._draw(encode_request(content, source, target), target, deadline)
        png = encode_png(drawing.pixels, target.width, target.height)
        return ConvertedImage(
            png, target.width, target.height, source, drawing.source_width, drawing.source_height
        )

    @contextmanager
    def _slot(self) -> Iterator[None]:
        if not self._slots.acquire(blocking=False):
            raise self._exhausted("DECODERS_BUSY")
        try:
            yield
        finally:
            self._slots.release()
            self._warm()

    def _draw(self, request: bytes, target: Target, deadline: float) -> Drawing:
        process, _ = self._ready(deadline)
        try:
            reply = decode_reply(process.ask(request, LONGEST_LINE + target.size_in_bytes, deadline), target)
        except TimeoutError:
            raise self._refused(Reason.TOO_SLOW) from None
        except Died as died:
            slow = died.status == -signal.SIGXCPU
            raise self._refused(Reason.TOO_SLOW if slow else Reason.UNREADABLE, str(died)) from died
        except Garbled as garbled:
            raise self._refused(Reason.UNREADABLE, "garbled reply") from garbled
        finally:
            process.kill()
        if isinstance(reply, Refusal):
            raise self._refused(reply.reason, reply.detail)
        return reply

    def _ready(self, deadline: float) -> tuple[Process, Confinement]:
        """A process that has confined itself. A spare one may have been killed while idle: then a new one."""
        for _ in range(2):
            process = self._take()
            try:
                return process, process.greet(deadline)
            except Died:
                continue
            except TimeoutError:
                process.kill()
                raise self._exhausted("DECODER_UNAVAILABLE", "not ready in time") from None
        raise self._exhausted("DECODER_UNAVAILABLE", "ended before it was ready")

    def _take(self) -> Process:
        with self._lock:
            if self._closed:
                raise self._exhausted("DECODER_UNAVAILABLE", "closed")
            spare, self._spare = self._spare, None
        try:
            return spare or self._spawn()
        except OSError as failure:
            raise self._exhausted("DECODER_UNAVAILABLE", type(failure).__name__) from failure

    def _warm(self) -> None:
        with self._lock, suppress(OSError):
            if not self._closed and self._spare is None:
                self._spare = self._spawn()

    def _spawn(self) -> Process:
        # The deadline ends a process sooner; the limit ends it if the service is no longer there to do so.
        return Process(self._python, self._memory_bytes, math.ceil(self._deadline_seconds) + 1)

    def _deadline(self) -> float:
        return time.monotonic() + self._deadline_seconds

    def _refused(self, reason: Reason, detail: str = "") -> Refused:
        limits = {Reason.TOO_SLOW: self._deadline_seconds, Reason.TOO_MUCH_MEMORY: self._memory_bytes}
        return Refused(reason, limit=str(limits.get(reason, "")), detail=detail)

    def _exhausted(self, reason: str, detail: str = "") -> Exhausted:
        return Exhausted(reason, self._deadline_seconds, detail)

"""One decoding process as the service sees it: spawned, never forked; used once; killed when late."""

import re
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import PIL

from services.media.imaging.confine import Confinement

_GREETING = re.compile(rb"ready (\d+) ([01]) ([01])\n")
_LONGEST_GREETING = 64
_IMPORTABLE = (str(Path(__file__).parents[3]), str(Path(PIL.__file__).parents[1]))
_START = (
    "import sys; sys.path += sys.argv[1:3]; "
    "from services.media.imaging.worker import main; main(int(sys.argv[3]), int(sys.argv[4]))"
)


class Died(Exception):
    """The process ended before its answer; `status` is its exit status, negative for a signal."""

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(f"the decoding process ended with {status}")


class Process:
    """A decoding process that gets ready by itself and serves one request.

    It starts with no environment, no descriptor but its end of a socket pair, a session of its own, and
    Python isolated from user settings and start-up hooks. When the service ends, however it ends, the socket
    closes and the process ends by itself. Deadlines are instants of `time.monotonic`.
    """

    def __init__(self, python: str, memory_bytes: int, cpu_seconds: int) -> None:
        self._socket, theirs = socket.socketpair()
        with theirs:
            try:
                # The program is ours, and so is every argument.
                self._popen: subprocess.Popen[bytes] = subprocess.Popen(  # noqa: S603
                    self._command(python, memory_bytes, cpu_seconds),
                    stdin=theirs.fileno(),
                    stdout=theirs.fileno(),
                    stderr=subprocess.DEVNULL,
                    cwd="/",
                    env={},
                    start_new_session=True,
                )
            except OSError:
                self._socket.close()
                raise
        self.id = self._popen.pid

    @staticmethod
    def _command(python: str, memory_bytes: int, cpu_seconds: int) -> Sequence[str]:
        return [python, "-I", "-S", "-c", _START, *_IMPORTABLE, str(memory_bytes), str(cpu_seconds)]

    def greet(self, deadline: float) -> Confinement:
        """Wait until the process has confined itself; raises `Died` or TimeoutError."""
        line = b""
        while not (greeting := _GREETING.fullmatch(line)):
            if len(line) == _LONGEST_GREETING:
                self._died()
            line += self._receive(1, deadline) or self._died()
        return Confinement(int(greeting[1]), greeting[2] == b"1", greeting[3] == b"1")

    def ask(self, request: bytes, longest_reply: int, deadline: float) -> bytes:
        """The reply, cut one byte after `longest_reply`; raises `Died` or TimeoutError."""
        try:
            self._socket.settimeout(_left(deadline))
            self._socket.sendall(request)
            self._socket.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            self._died()
        reply = bytearray()
        while len(reply) <= longest_reply and (
            piece := self._receive(longest_reply + 1 - len(reply), deadline)
        ):
            reply += piece
        return bytes(reply) if reply else self._died()

    def kill(self) -> int:
        """End the process if it has not ended, and give its status."""
        self._socket.close()
        self._popen.kill()
        return self._popen.wait()

    def _receive(self, most: int, deadline: float) -> bytes:
        self._socket.settimeout(_left(deadline))
        try:
            return self._socket.recv(most)
        except ConnectionResetError:
            return b""

    def _died(self) -> bytes:
        raise Died(self.kill())


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left

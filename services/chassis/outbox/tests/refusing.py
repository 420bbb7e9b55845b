"""A mail server that greets everybody alike and hangs up, and counts how often it was called."""

from __future__ import annotations

import socket
import socketserver
import threading
from types import TracebackType


class Refusing:
    """Listens on a free port of loopback while it is entered."""

    def __init__(self, greeting: bytes) -> None:
        self.calls = 0
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                outer.calls += 1
                connection: socket.socket = self.request
                connection.sendall(greeting)

        self._server = socketserver.TCPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.05], daemon=True)
        self.address = f"127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Refusing:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

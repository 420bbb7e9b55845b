"""Ways to burden a gRPC server over a connection that its authority lets in."""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from pathlib import Path

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_SETTINGS = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
_PING = b"\x00\x00\x08\x06\x00\x00\x00\x00\x00" + b"flooding"
_HEADER = 9
_AT_ONCE = 100
_PATIENCE_SECONDS = 20.0


def connected(address: str, certificates: Path) -> ssl.SSLSocket:
    """A connection for HTTP/2, by the certificate in the directory."""
    context = ssl.create_default_context(cafile=str(certificates / "ca.crt"))
    context.load_cert_chain(certificates / "tls.crt", certificates / "tls.key")
    context.set_alpn_protocols(["h2"])
    host, _, port = address.rpartition(":")
    plain = socket.create_connection((host, int(port)), timeout=_PATIENCE_SECONDS)
    return context.wrap_socket(plain, server_hostname=host)


def pings_until_closed(connection: ssl.SSLSocket, most: int) -> int:
    """Sends pings, and nothing else, until the server ends the connection; how many it let pass, at most so many."""
    connection.sendall(_PREFACE + _SETTINGS)
    sent = 0
    with suppress(ConnectionError, ssl.SSLError, TimeoutError):
        while sent < most:
            connection.sendall(_PING * _AT_ONCE)
            sent += _AT_ONCE
            if not connection.recv(65_536):
                break
    return sent


def silent(address: str, count: int) -> list[socket.socket]:
    """Connections whose client says nothing, not even what TLS begins with."""
    host, _, port = address.rpartition(":")
    return [socket.create_connection((host, int(port)), timeout=_PATIENCE_SECONDS) for _ in range(count)]

"""A mail server that delivers nothing and shows everything: `python -m deploy.local.mail_sink`.

It accepts whatever comes by SMTP on loopback, without password or encryption, and shows it over https.
"""

import argparse
import asyncio
import signal
import ssl
import sys
import threading
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from aiosmtpd.smtp import SMTP, Envelope, Session

from deploy.local.mail_pages import pages
from deploy.local.mailbox import Mailbox

_PATIENCE = 30


class _Intake:
    """What the SMTP server calls with a message."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Answers 250 only once the message is on disk."""
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        recipients = list(envelope.rcpt_tos)
        name = await asyncio.to_thread(self._mailbox.add, envelope.mail_from or "", recipients, content)
        return f"250 kept as {name}"


class _Requests(WSGIRequestHandler):
    timeout = _PATIENCE

    def log_message(self, *said: object) -> None:
        """Says nothing: there is nobody to read it."""


class _Web(ThreadingMixIn, WSGIServer):
    """Serves each connection in a thread, encryption included: a silent client keeps nobody waiting."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], tls: ssl.SSLContext) -> None:
        super().__init__(address, _Requests)
        self._tls = tls

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Encrypts the accepted connection, then serves it."""
        request.settimeout(_PATIENCE)
        with self._tls.wrap_socket(request, server_side=True) as encrypted:
            super().finish_request(encrypted, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Passes over broken connections: browsers break off, and refuse a certificate they do not know."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


async def serve(mailbox: Mailbox, smtp: tuple[str, int], web: tuple[str, int], certificates: Path) -> None:
    """Serves both until SIGTERM or SIGINT. `certificates` holds `tls.crt` and `tls.key`."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    intake = _Intake(mailbox)
    with _Web(web, _tls(certificates)) as server:
        server.set_app(pages(mailbox))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        listener = await loop.create_server(
            lambda: SMTP(intake, hostname="localhost", ident="Comptoir", enable_SMTPUTF8=True, loop=loop),
            *smtp,
        )
        await ended.wait()
        # Closed, not awaited: a client that stays connected must not keep the server from ending.
        listener.close()
        server.shutdown()


def _tls(certificates: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "tls.crt", certificates / "tls.key")
    return context


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)


def main() -> None:
    """Reads the addresses and directories, and serves."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local.mail_sink", description=__doc__)
    parser.add_argument("--smtp", type=_address, required=True, metavar="HOST:PORT")
    parser.add_argument("--web", type=_address, required=True, metavar="HOST:PORT")
    parser.add_argument(
        "--directory", type=Path, required=True, help="where messages are kept, as .eml files"
    )
    parser.add_argument("--certificates", type=Path, required=True, help="holds tls.crt and tls.key")
    given = parser.parse_args()
    asyncio.run(serve(Mailbox(given.directory), given.smtp, given.web, given.certificates))


if __name__ == "__main__":
    main()

"""A mail server in a thread: keeps what it takes, and refuses as a test wants."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from types import TracebackType

from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass(frozen=True)
class Taken:
    """One mail as it was taken: the envelope, and the message as a mail program reads it."""

    sender: str
    recipients: list[str]
    message: EmailMessage
    content: bytes


class Relay:
    """Listens on a free port of loopback while it is entered."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        """With `tls`, it takes mail only after STARTTLS."""
        self._tls = tls
        self.taken: list[Taken] = []
        self.tries = 0
        """How many recipients were asked for."""
        self.to_recipient: Callable[[], str] = lambda: "250 OK"
        self.to_message: Callable[[], str] = lambda: "250 OK"
        """What it says after a mail's last dot; called when the mail is already kept."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.tries += 1
        answer = self.to_recipient()
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        message = message_from_bytes(content, policy=policy.SMTP)
        assert isinstance(message, EmailMessage)
        self.taken.append(Taken(envelope.mail_from or "", list(envelope.rcpt_tos), message, content))
        return await asyncio.to_thread(self.to_message)

    def __enter__(self) -> Relay:
        self._thread.start()
        listening = self._loop.create_server(
            lambda: SMTP(
                self,
                hostname="relay.test",
                tls_context=self._tls,
                require_starttls=self._tls is not None,
                loop=self._loop,
            ),
            "127.0.0.1",
            0,
        )
        self._server = asyncio.run_coroutine_threadsafe(listening, self._loop).result()
        self.address = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    @property
    def ids(self) -> list[str]:
        """Message-IDs of what was taken, in order."""
        return [str(each.message["Message-ID"]) for each in self.taken]

"""Hands one mail to the mail server (RFC 5321), and says in our own codes how that ended."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from services.chassis.outbox.mail import Undelivered
from services.chassis.outbox.settings import MailSettings

_CLOSING = 421
"""The server shuts the channel, whatever it was asked (RFC 5321 3.8)."""
STEP_SECONDS = 30.0
LAST_STEP_SECONDS = 600.0
"""A server may take long from the end of a mail to its 250, and whoever gives up sends it twice (RFC 5321 4.5.3.2)."""


@dataclass(frozen=True)
class Carrier:
    """The way to one mail server."""

    address: str
    sender: str
    starttls: bool = True
    ca_file: Path | None = None
    user: str = ""
    password_file: Path | None = None

    @classmethod
    def of(cls, settings: MailSettings) -> Carrier:
        """As configured."""
        return cls(
            settings.smtp_address,
            settings.sender,
            settings.smtp_starttls,
            settings.smtp_ca_file,
            settings.smtp_user,
            settings.smtp_password_file,
        )

    def deliver(self, recipient: str, content: bytes) -> None:
        """Returns as soon as the server has taken the mail over. Raises `Undelivered`, for good only if the server
        refuses this very mail: what it says of us, an operator can put right."""
        host, _, port = self.address.rpartition(":")
        domain = self.sender.rpartition("@")[2]
        with _translated(of_mail=False):
            smtp = smtplib.SMTP(host.strip("[]"), int(port), domain, timeout=STEP_SECONDS)
        try:
            with _translated(of_mail=False):
                self._introduce(smtp)
                _judge("SENDER", smtp.mail(self.sender)[0], of_mail=False)
            with _translated(of_mail=True):
                _hand_over(smtp, recipient, content)
        finally:
            smtp.close()

    def _introduce(self, smtp: smtplib.SMTP) -> None:
        if self.starttls:
            smtp.starttls(context=ssl.create_default_context(cafile=self.ca_file))
        if self.password_file is not None:
            smtp.login(self.user, self.password_file.read_text().strip())
        smtp.ehlo_or_helo_if_needed()


def _hand_over(smtp: smtplib.SMTP, recipient: str, content: bytes) -> None:
    _judge("RECIPIENT", smtp.rcpt(recipient)[0], of_mail=True)
    if smtp.sock is not None:
        smtp.sock.settimeout(LAST_STEP_SECONDS)
    _judge("MESSAGE", smtp.data(content)[0], of_mail=True)
    # Said, but not waited for: until the outbox knows that the mail is gone, a kill would send it again.
    with suppress(OSError):
        smtp.putcmd("QUIT")


@contextmanager
def _translated(*, of_mail: bool) -> Iterator[None]:
    """What breaks the dialogue, as `Undelivered`; until the sender is accepted, it is the same for every mail."""
    try:
        yield
    except smtplib.SMTPDataError as error:
        _judge("MESSAGE", error.smtp_code, of_mail=of_mail)
    except smtplib.SMTPResponseException as error:
        code = f"CONNECTION_{error.smtp_code}"
        raise Undelivered(code, of_mail=of_mail, of_relay=True) from None
    except (ssl.SSLError, smtplib.SMTPNotSupportedError):
        raise Undelivered("TLS_REFUSED", of_mail=of_mail, of_relay=True) from None
    except OSError:
        code = "INTERRUPTED" if of_mail else "UNREACHABLE"
        raise Undelivered(code, of_mail=of_mail, of_relay=True) from None


def _judge(step: str, code: int, *, of_mail: bool) -> None:
    if code // 100 == 2:
        return
    raise Undelivered(
        f"{step}_{code}",
        permanent=of_mail and code // 100 == 5,
        of_mail=of_mail,
        of_relay=not of_mail or code == _CLOSING,
    )

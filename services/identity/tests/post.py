"""The mail that identity sent, as its readers get it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

from services.chassis.outbox.outbox import Outbox
from services.chassis.testing.relay import Relay, Taken
from services.identity.mail.mails import MailRow
from services.identity.service import sender
from services.identity.tests.acts import Acts

_LINK = re.compile(r"https://\S+")


def mailing(relay: Relay) -> dict[str, Any]:
    """Settings of a service whose mail goes to the relay."""
    return {"smtp_address": relay.address, "smtp_starttls": False, "mail_from": "no-reply@mail.example"}


class Post:
    """Sends what waits, and keeps it by recipient."""

    def __init__(self, acts: Acts, relay: Relay) -> None:
        settings = acts.identity.settings
        self._sender = sender(acts.identity.resources, Outbox(MailRow, settings.mail_domain))  # type: ignore[attr-defined]
        self._relay = relay

    def arrived(self, address: str) -> list[Taken]:
        """All mails to the address so far."""
        self._sender.work()
        return [mail for mail in self._relay.taken if mail.recipients == [address]]

    def stop(self) -> None:
        self._sender.stop()


@contextmanager
def posting(acts: Acts, relay: Relay) -> Iterator[Post]:
    """The post of one module, without what was sent before."""
    post = Post(acts, relay)
    post.arrived("")
    relay.taken.clear()
    yield post
    post.stop()


def text_of(mail: Taken) -> str:
    return "\n".join(mail.message.get_content().splitlines())


def address_in(mail: Taken) -> str:
    """The only address in the text."""
    (found,) = _LINK.findall(text_of(mail))
    return str(found)


def value_in(mail: Taken) -> str:
    """What the link of the mail bears."""
    return parse_qs(urlsplit(address_in(mail)).query)["link"][0]

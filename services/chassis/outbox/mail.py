"""What is to be mailed, what it becomes when it is sent, and why it may not arrive."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_RECIPIENT = re.compile(r"(users|companies)/[a-z0-9][a-z0-9-]{0,62}")
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")


@dataclass(frozen=True)
class Mail:
    """A mail as it waits: what it is about and for whom, in ids and codes alone (IN5).

    Names, addresses, texts and links are found when it is sent, so that no queue, dump or replica of it holds any.
    """

    kind: str
    recipient: str
    """Resource name of a person or a company."""
    arguments: Mapping[str, str] = field(default_factory=dict)
    contact: str = ""
    """Which of a company's contacts, such as `manager`, or of a person's addresses."""

    def __post_init__(self) -> None:
        codes = [self.kind, *self.arguments, *self.arguments.values(), *filter(None, [self.contact])]
        if not _RECIPIENT.fullmatch(self.recipient) or not all(map(_CODE.fullmatch, codes)):
            raise ValueError("a mail waits as ids and codes: what it says is found when it is sent")


@dataclass(frozen=True)
class Letter:
    """A mail as its reader gets it, plain text and perhaps the same as HTML, for exactly one address."""

    to: str
    subject: str
    text: str
    language: str
    html: str = ""


class Undelivered(Exception):
    """The mail was not taken. `code` is ours, such as `RECIPIENT_550`, and never the mail server's words.

    `of_mail`: it counts against this mail. `of_relay`: no other mail would fare better now. A dialogue that breaks off
    in the middle may be either, and is both: a mail that makes the server fall over must not stay first in the queue.
    """

    def __init__(
        self, code: str, *, permanent: bool = False, of_mail: bool = True, of_relay: bool = False
    ) -> None:
        super().__init__(code)
        self.code = code
        self.permanent = permanent
        self.of_mail = of_mail
        self.of_relay = of_relay

"""A letter as it goes over the wire (RFC 5322): no name, label or address can add a header or a recipient to it."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP

from services.chassis.outbox.mail import Letter, Undelivered

_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_LONGEST_ADDRESS = 254
# 7-bit text passes every server, and no line is too long for one.
_ENCODING = "quoted-printable"
_LINE = "\r\n"
_LONGEST_WORD = 60


def compose(letter: Letter, sender: str, message_id: str, now: datetime) -> bytes:
    """The message, all ASCII. Raises `Undelivered` for good if the letter is not for exactly one address."""
    return _subject(one_line(letter.subject)) + _rest(letter, sender, message_id, now).as_bytes()


def _subject(text: str) -> bytes:
    """The header's line or lines. Where the library's newer classes fold one between two encoded words, the space that
    stood there is lost to whoever reads by RFC 2047 6.2."""
    # Plain text can be folded between words alone.
    plain = text.isascii() and max(map(len, text.split()), default=0) <= _LONGEST_WORD
    charset = "us-ascii" if plain else "utf-8"
    return f"Subject: {Header(text, charset, header_name='Subject').encode(linesep=_LINE)}{_LINE}".encode()


def _rest(letter: Letter, sender: str, message_id: str, now: datetime) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = single_address(letter.to)
    message["Date"] = now
    message["Message-ID"] = message_id
    # RFC 3834: nobody's holiday notice is to answer it.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text, cte=_ENCODING)
    if letter.html:
        message.add_alternative(letter.html, subtype="html", cte=_ENCODING)
    # Last, since a message that gets its content forgets what was said of an earlier one.
    message["Content-Language"] = letter.language
    return message


def single_address(text: str) -> str:
    """The text, if it is one plain address, without a name, a list, a route or a quoted part."""
    if len(text) > _LONGEST_ADDRESS or not _ADDRESS.fullmatch(text):
        raise Undelivered("ADDRESS_REFUSED", permanent=True)
    return text


def one_line(text: str) -> str:
    """The text as one line of visible characters that no mail program decodes any further (RFC 2047)."""
    spaced = "".join(" " if unicodedata.category(each)[0] in "CZ" else each for each in text)
    return " ".join(spaced.split()).replace("=?", "= ?")

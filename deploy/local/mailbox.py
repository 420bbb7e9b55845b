"""Mail kept as files: each message as it arrived, below one line that says from and to whom it was sent."""

import json
import re
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from pathlib import Path

from deploy.local import files

_ENVELOPE = b"X-Comptoir-Envelope: "
_ID = re.compile(r"[0-9]{19}-[0-9a-f]{8}")
_LINK = re.compile(r"https?://[^\s<>\"]*[^\s<>\".,;:!?)\]}']")


@dataclass(frozen=True)
class Mail:
    """One message as a person reads it, whatever its encoding; broken parts are shown as far as they go."""

    id: str
    received: datetime
    sender: str
    recipients: tuple[str, ...]
    headers: dict[str, str]
    """Every header by its lower-case name, decoded."""
    text: str
    html: str
    attachments: tuple[str, ...]

    @property
    def subject(self) -> str:
        """The subject, or a substitute that can be clicked."""
        return self.headers.get("subject") or "(no subject)"

    @property
    def links(self) -> list[str]:
        """Every http and https address in the text, in order."""
        return _LINK.findall(self.text)

    def pieces(self) -> Iterator[tuple[str, bool]]:
        """The text cut into (piece, whether it is a link)."""
        end = 0
        for found in _LINK.finditer(self.text):
            yield self.text[end : found.start()], False
            yield found.group(), True
            end = found.end()
        yield self.text[end:], False


class Mailbox:
    """The messages in `directory`, readable by their owner only."""

    def __init__(self, directory: Path) -> None:
        self._directory = files.private_directory(directory)

    def add(self, sender: str, recipients: list[str], content: bytes) -> str:
        """Keeps a message, on disk before it returns, and returns its id; ids sort by arrival."""
        name = f"{time.time_ns():019d}-{secrets.token_hex(4)}"
        envelope = json.dumps({"from": sender, "to": recipients}).encode()
        files.write(self._path(name), _ENVELOPE + envelope + b"\r\n" + content)
        return name

    def ids(self) -> list[str]:
        """All ids, the newest first."""
        return sorted((path.stem for path in self._directory.glob("*.eml")), reverse=True)

    def mails(self, ids: list[str]) -> Iterator[Mail]:
        """Those of `ids` that still exist."""
        return (mail for name in ids if (mail := self.mail(name)))

    def mail(self, name: str) -> Mail | None:
        """One message, or None when there is none of that id."""
        source = self.source(name)
        if source is None:
            return None
        first, _, content = source.partition(b"\r\n")
        envelope = json.loads(first.removeprefix(_ENVELOPE))
        return _parsed(name, envelope["from"], tuple(envelope["to"]), message_from_bytes(content))

    def source(self, name: str) -> bytes | None:
        """The file of one message, or None."""
        if not _ID.fullmatch(name):
            return None
        try:
            return self._path(name).read_bytes()
        except FileNotFoundError:
            return None

    def clear(self) -> None:
        """Removes every message."""
        for name in self.ids():
            self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self._directory / f"{name}.eml"


def _parsed(name: str, sender: str, recipients: tuple[str, ...], message: Message) -> Mail:
    bodies = {"text/plain": "", "text/html": ""}
    attachments = []
    for part in message.walk():
        kind = part.get_content_type()
        if part.is_multipart():
            continue
        if bodies.get(kind) == "" and part.get_content_disposition() != "attachment":
            bodies[kind] = _body(part)
        else:
            attachments.append(_readable(part.get_filename() or kind))
    return Mail(
        id=name,
        received=datetime.fromtimestamp(int(name[:19]) / 1e9, UTC),
        sender=sender,
        recipients=recipients,
        # Of a header sent twice the first counts, hence the reversal.
        headers={header.lower(): _readable(str(value)) for header, value in reversed([*message.raw_items()])},
        text=bodies["text/plain"],
        html=bodies["text/html"],
        attachments=tuple(attachments),
    )


def _body(part: Message) -> str:
    payload = part.get_payload(decode=True)
    return _decoded(payload, part.get_content_charset()) if isinstance(payload, bytes) else str(payload)


def _readable(header: str) -> str:
    raw = "".join(_decoded(header.encode("utf-8", "surrogateescape"), None).splitlines())
    try:
        pieces = decode_header(raw)
    except HeaderParseError:
        pieces = [(raw, None)]
    words = (piece if isinstance(piece, str) else _decoded(piece, charset) for piece, charset in pieces)
    return " ".join("".join(words).split())


def _decoded(content: bytes, charset: str | None) -> str:
    try:
        return content.decode(charset or "utf-8", "replace")
    except LookupError:
        return content.decode("utf-8", "replace")

"""No name, label or address adds a header, a recipient or a part to a message."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import decode_header, make_header

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.chassis.outbox.mail import Letter, Undelivered
from services.chassis.outbox.message import compose, one_line

NOW = datetime(2026, 11, 3, 10, tzinfo=UTC)
SENDER, TO, ID = "no-reply@comptoir.example", "ada@halles.example", "<q7w3@comptoir.example>"
HEADERS = [
    *("From", "To", "Subject", "Date", "Message-ID", "Content-Language", "Auto-Submitted"),
    *("Content-Type", "Content-Transfer-Encoding", "MIME-Version"),
]
HOSTILE = [
    "Les Halles\r\nBcc: eve@evil.example",
    "Les Halles\nBcc: eve@evil.example\n\nbody",
    "Les Halles\r\n\r\n<html>",
    "=?utf-8?q?a=0D=0ABcc:_eve=40evil.example?=",
    "=?utf-8?b?DQpCY2M6IGV2ZUBldmlsLmV4YW1wbGU=?= =?utf-8?b?DQpCY2M6IGV2ZUBldmlsLmV4YW1wbGU=?=",
    "a; Bcc: eve@evil.example, eve@evil.example",
    "\x0bBcc: eve@evil.example\x0c\x1c\x85\u2028Bcc: eve@evil.example\u2029",
    "\0NUL",
    "Été" * 400,
    "é" * 70 + "\r\n " + "é" * 70,
    "\u202egnp.exe",
    "a" * 2000,
    f"{'A' * 34} : une clé a été affichée en clair",
    f"{'A' * 50} : une clé a été affichée en clair",
]


def words_of(content: bytes) -> str:
    """The subject as RFC 2047 (6.2) has it read: what stands between two encoded words is not part of the text."""
    folded = str(message_from_bytes(content, policy=policy.compat32)["Subject"])
    return str(make_header(decode_header(folded.replace("\r\n", ""))))


def every_hostile(test: Callable[[str], None]) -> Callable[[str], None]:
    for text in HOSTILE:
        test = example(text)(test)
    return test


@every_hostile
@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_whatever_stands_in_a_subject_is_its_text_and_nothing_else(text: str) -> None:
    content = compose(Letter(TO, text, "Bonjour\n", "fr"), SENDER, ID, NOW)
    read = message_from_bytes(content, policy=policy.default)

    assert sorted(HEADERS) == sorted(read.keys())
    assert [str(read[name]) for name in ("From", "To", "Message-ID")] == [SENDER, TO, ID]
    assert [one_line(text)] * 2 == [str(read["Subject"]), words_of(content)]
    assert read.get_content().splitlines() == ["Bonjour"]
    assert max(map(len, content.splitlines())) <= 998
    assert content.isascii()


@every_hostile
@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_whatever_stands_in_a_text_stays_in_the_text(text: str) -> None:
    letter = Letter(TO, "Subject", f"{text}\n", "fr", html=f"<p>{text}</p>\n")
    read = message_from_bytes(compose(letter, SENDER, ID, NOW), policy=policy.default)
    plain, html = read.iter_parts()

    assert sorted({*HEADERS} - {"Content-Transfer-Encoding"}) == sorted(read.keys())
    assert "".join(text.split()) == "".join(plain.get_content().split())
    assert (plain.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ada",
        "ada@halles.example,eve@evil.example",
        "ada@halles.example;eve@evil.example",
        "ada@halles.example eve@evil.example",
        "ada@halles.example\r\nBcc: eve@evil.example",
        "ada@halles.example\n",
        "Ada <ada@halles.example>",
        "<ada@halles.example>",
        '"ada@evil.example,"@halles.example',
        "@evil.example:ada@halles.example",
        "group: ada@halles.example;",
        "ada@halles.example(comment)",
        "=?utf-8?q?eve=40evil.example=2C?=ada@",
        "ada@halles.example@evil.example",
        "é@halles.example",
        "a" * 250 + "@halles.example",
    ],
)
def test_only_one_plain_address_is_written_to(address: str) -> None:
    with pytest.raises(Undelivered) as refused:
        compose(Letter(address, "Subject", "Text\n", "fr"), SENDER, ID, NOW)

    assert refused.value.permanent
    assert refused.value.code == "ADDRESS_REFUSED"


def test_a_name_stays_readable_in_one_line() -> None:
    assert one_line("  Les\tHalles\r\ndu  Port\0 ") == "Les Halles du Port"

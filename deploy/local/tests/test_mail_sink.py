"""The mail sink: keeps what it acknowledges, shows it readably, and is harmed by no message."""

import http.client
import json
import re
import smtplib
import socket
import ssl
import sys
from datetime import UTC, datetime
from email.message import EmailMessage
from functools import partial
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from deploy.local import certificates, health, ports
from deploy.local.mail_pages import pages
from deploy.local.mailbox import Mailbox
from deploy.local.processes import Program, Supervisor

HOSTILE = "<script>alert(1)</script>\"'&"


@pytest.fixture
def mailbox(tmp_path: Path) -> Mailbox:
    return Mailbox(tmp_path / "mail")


@pytest.fixture
def browser(mailbox: Mailbox) -> FlaskClient:
    return pages(mailbox).test_client()


def _message(subject: str = "Bienvenue à l'été", text: str = "Bonjour", html: str = "") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = (
        "Comptoir <no-reply@example.com>",
        "zoé@example.com",
        subject,
    )
    message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html")
    return message


def _add(mailbox: Mailbox, message: EmailMessage) -> str:
    return mailbox.add("bounce@example.com", ["zoé@example.com"], message.as_bytes())


def test_a_mail_is_read_as_it_was_written(mailbox: Mailbox) -> None:
    name = _add(
        mailbox, _message(text="Été : https://localhost:8443/reset?t=a_b-c. Fin\n", html="<p>Été</p>")
    )
    mail = mailbox.mail(name)
    assert mail is not None
    assert mail.subject == "Bienvenue à l'été"
    assert mail.text == "Été : https://localhost:8443/reset?t=a_b-c. Fin\n"
    assert mail.html == "<p>Été</p>\n"
    assert mail.links == ["https://localhost:8443/reset?t=a_b-c"]
    assert (mail.sender, mail.recipients) == ("bounce@example.com", ("zoé@example.com",))
    assert mail.text == "".join(piece for piece, _ in mail.pieces())


def test_a_space_at_which_a_header_was_folded_is_one(mailbox: Mailbox) -> None:
    folded = b"Subject: Invitation =?utf-8?q?=C3=A0_la_soci=C3=A9t=C3=A9?=\r\n Newco\r\n SARL\r\n\r\nx"
    mail = mailbox.mail(mailbox.add("", [], folded))
    assert mail is not None
    assert mail.subject == "Invitation à la société Newco SARL"


def test_the_newest_comes_first(mailbox: Mailbox) -> None:
    names = [_add(mailbox, _message(str(number))) for number in range(3)]
    assert names[::-1] == mailbox.ids()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no header at all",
        b"\x00\xff\xfe",
        b"Subject: =?utf-8?b?!!!?=\r\n\r\nx",
        b"Subject: =?no-such-charset?q?=E9?=\r\n\r\nx",
        b"Subject: \xc3\xa9t\xc3\xa9\r\nContent-Type: text/plain; charset=no-such\r\n\r\n\xff",
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: multipart/mixed\r\n\r\n--x",
        b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n****",
        b"Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ntext",
        b"Content-Disposition: attachment; filename*=no-such''%ff\r\n\r\nx",
    ],
)
def test_no_message_breaks_the_pages(mailbox: Mailbox, browser: FlaskClient, content: bytes) -> None:
    name = mailbox.add("", [], content)
    paths = ("/", "/messages.json", f"/messages/{name}", f"/messages/{name}/html", f"/messages/{name}/source")
    assert [browser.get(path).status_code for path in paths] == [200] * 5
    assert browser.get(f"/messages/{name}/source").data.endswith(content)


def test_everything_a_message_says_is_escaped(mailbox: Mailbox, browser: FlaskClient) -> None:
    name = mailbox.add(
        HOSTILE,
        [HOSTILE],
        f"Subject: {HOSTILE}\r\nFrom: {HOSTILE}\r\nTo: {HOSTILE}\r\n\r\n{HOSTILE} https://x/{HOSTILE}".encode(),
    )
    for path in ("/", f"/messages/{name}"):
        page = browser.get(path).text
        assert "<script" not in page
        assert "&lt;script&gt;" in page
    assert re.findall(r"href=\"(?!https?://|/)", browser.get(f"/messages/{name}").text) == []


def test_the_pages_run_no_script_and_the_html_part_is_caged(mailbox: Mailbox, browser: FlaskClient) -> None:
    name = _add(mailbox, _message(html=f"<p>{HOSTILE}</p>"))
    for path in ("/", f"/messages/{name}", "/messages.json", "/absent"):
        policy = browser.get(path).headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
    frame = browser.get(f"/messages/{name}/html").headers
    assert "sandbox allow-popups allow-popups-to-escape-sandbox" in frame["Content-Security-Policy"]
    assert "script-src" not in frame["Content-Security-Policy"]
    assert 'sandbox="allow-popups' in browser.get(f"/messages/{name}").text
    assert (
        frame["X-Content-Type-Options"],
        frame["Referrer-Policy"],
        frame["Cache-Control"],
    ) == ("nosniff", "no-referrer", "no-store")


@pytest.mark.parametrize("name", ["..", "../secret", "..%2Fsecret", "0000000000000000000-00000000", "x"])
def test_only_messages_can_be_read(browser: FlaskClient, tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.eml").write_bytes(b"X-Comptoir-Envelope: {}\r\n")
    assert browser.get(f"/messages/{name}/source").status_code == 404


def test_tests_read_json_by_recipient_and_clear_it(mailbox: Mailbox, browser: FlaskClient) -> None:
    _add(mailbox, _message(text="see https://localhost/x"))
    mailbox.add("a@example.com", ["other@example.com"], b"\r\n")
    mails = browser.get("/messages.json?to=zoé@example.com").json
    assert mails is not None
    assert [mail["links"] for mail in mails] == [["https://localhost/x"]]
    assert browser.delete("/messages.json").status_code == 204
    assert browser.get("/messages.json").json == []


@pytest.fixture
def sink(tmp_path: Path, supervisor: Supervisor) -> tuple[int, int, Path]:
    """The SMTP port and the https port of a running sink, and its authority."""
    authority = certificates.ensure(tmp_path / "pki", datetime.now(UTC))
    chosen = ports.free(["smtp", "web"])
    command = (
        *(sys.executable, "-m", "deploy.local.mail_sink", "--directory", str(tmp_path / "mail")),
        *("--smtp", f"127.0.0.1:{chosen['smtp']}", "--web", f"127.0.0.1:{chosen['web']}"),
        *("--certificates", str(tmp_path / "pki" / "web")),
    )
    supervisor.start(
        Program("mail", command, {}, partial(health.https_ok, chosen["web"], authority), Path.cwd())
    ).wait_healthy()
    return chosen["smtp"], chosen["web"], authority


def test_what_was_acknowledged_survives_a_kill(sink: tuple[int, int, Path], supervisor: Supervisor) -> None:
    smtp, web, authority = sink
    with smtplib.SMTP("127.0.0.1", smtp) as client:
        client.send_message(_message(), "bounce@example.com", ["zoe@example.com", "paul@example.com"])
        supervisor["mail"].kill()
    supervisor["mail"].wait_healthy()
    context = ssl.create_default_context(cafile=str(authority))
    connection = http.client.HTTPSConnection("localhost", web, context=context)
    connection.request("GET", "/messages.json")
    (mail,) = json.load(connection.getresponse())
    assert mail["recipients"] == ["zoe@example.com", "paul@example.com"]
    assert mail["subject"] == "Bienvenue à l'été"


def test_a_client_that_says_nothing_delays_neither_others_nor_the_end(
    sink: tuple[int, int, Path], supervisor: Supervisor, caplog: pytest.LogCaptureFixture
) -> None:
    smtp, web, authority = sink
    with socket.create_connection(("127.0.0.1", web)), smtplib.SMTP("127.0.0.1", smtp):
        assert health.https_ok(web, authority)
        supervisor["mail"].stop()
    assert "was killed" not in caplog.text

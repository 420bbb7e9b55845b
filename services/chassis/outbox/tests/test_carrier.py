"""Mail goes to the configured server encrypted, or not at all; gauges tell how much waits."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from pydantic import ValidationError

from services.chassis.outbox.carrier import Carrier
from services.chassis.outbox.mail import Undelivered
from services.chassis.outbox.settings import MailSettings
from services.chassis.outbox.tests.office import ADDRESS, SENDER, Office
from services.chassis.testing.relay import Relay

CONTENT = b"Subject: Test\r\n\r\nBonjour\r\n"


@pytest.fixture
def encrypted(certificates: Path) -> Iterator[Relay]:
    """A mail server that takes nothing in clear."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "web" / "tls.crt", certificates / "web" / "tls.key")
    with Relay(context) as running:
        yield running


def refusal(carrier: Carrier) -> tuple[str, bool]:
    """The code, and whether it counts against the mail; what does not is no judgement for good either."""
    with pytest.raises(Undelivered) as refused:
        carrier.deliver(ADDRESS, CONTENT)
    assert not refused.value.permanent
    return refused.value.code, refused.value.of_mail


def test_mail_goes_out_encrypted_to_a_server_that_proves_itself(encrypted: Relay, certificates: Path) -> None:
    address = encrypted.address.replace("127.0.0.1", "localhost")
    Carrier(address, SENDER, ca_file=certificates / "ca.pem").deliver(ADDRESS, CONTENT)

    assert [mail.recipients for mail in encrypted.taken] == [[ADDRESS]]


def test_a_server_that_nobody_vouches_for_gets_nothing(encrypted: Relay) -> None:
    assert refusal(Carrier(encrypted.address, SENDER)) == ("TLS_REFUSED", False)
    assert encrypted.taken == []


def test_a_server_without_encryption_gets_nothing(relay: Relay) -> None:
    assert refusal(Carrier(relay.address, SENDER)) == ("TLS_REFUSED", False)
    assert relay.tries == 0


def test_what_a_server_says_of_us_condemns_no_mail(encrypted: Relay) -> None:
    assert refusal(Carrier(encrypted.address, SENDER, starttls=False)) == ("SENDER_530", False)


def settings(tmp_path: Path, **changes: object) -> MailSettings:
    file = tmp_path / "file"
    file.write_text("made up")
    given: dict[str, object] = {
        **dict.fromkeys(("listen", "health_listen", "metrics_listen", "identity_address"), "127.0.0.1:0"),
        **dict.fromkeys(("callers_file", "database_url_file", "kek_file"), file),
        **dict.fromkeys(("tls_directory", "state_directory"), tmp_path),
        "issuer": "https://comptoir.example:8443",
        "smtp_address": "127.0.0.1:25",
        **changes,
    }
    return MailSettings(**given)  # type: ignore[arg-type]


def test_the_sender_is_configured_or_follows_the_issuer(tmp_path: Path) -> None:
    assert settings(tmp_path).sender == "no-reply@comptoir.example"
    assert settings(tmp_path, mail_from="post@mail.example").mail_domain == "mail.example"


@pytest.mark.parametrize(
    "wrong",
    [
        {"mail_from": "a@b.example, eve@evil.example"},
        {"smtp_user": "comptoir"},
        {"smtp_user": "comptoir", "smtp_starttls": False, "password": True},
        {"password": True},
    ],
)
def test_settings_that_would_leak_or_not_work_are_refused(tmp_path: Path, wrong: dict[str, object]) -> None:
    password = {"smtp_password_file": tmp_path / "file"} if wrong.pop("password", None) else {}
    with pytest.raises(ValidationError):
        settings(tmp_path, **wrong, **password)


def test_gauges_tell_what_waits_and_for_how_long(office: Office, relay: Relay) -> None:
    relay.to_recipient = lambda: "450 later" if relay.tries > 1 else "550 never"
    office.add()
    office.add()
    sender = office.sender()
    sender.work()
    office.forward(seconds=10)
    sender.work()

    assert REGISTRY.get_sample_value("comptoir_mails", {"state": "pending"}) == 1
    assert REGISTRY.get_sample_value("comptoir_mails", {"state": "dead"}) == 1
    assert REGISTRY.get_sample_value("comptoir_oldest_mail_seconds") == 10

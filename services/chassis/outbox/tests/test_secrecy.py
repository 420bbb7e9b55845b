"""The table and the log say for whom a mail is and what it is about, never an address, a name, a text or a link."""

from __future__ import annotations

import pytest

from services.chassis.outbox.mail import Mail
from services.chassis.outbox.tests.dying import started
from services.chassis.outbox.tests.office import ADDRESS, Office
from services.chassis.testing.relay import Relay


@pytest.mark.parametrize("answer", ["250 OK", "451 not now, ada@halles.example", "550 ada@halles.example?"])
def test_no_address_is_in_the_table_or_the_log(
    office: Office, relay: Relay, capfd: pytest.CaptureFixture[str], answer: str
) -> None:
    relay.to_recipient = lambda: answer
    office.add(company="acme", role="ROLE_OWNER")
    started(office).join(60)

    said = "".join(capfd.readouterr())
    kept = str(office.rows())
    assert '"kind": "notice"' in said
    for text in (ADDRESS, "ada@", "halles", "Bonjour", "Été", "not now"):
        assert text not in kept
        assert text not in said


@pytest.mark.parametrize(
    "arguments",
    [
        {"kind": "notice", "recipient": ADDRESS},
        {"kind": "notice", "recipient": "users/ada;users/grace"},
        {"kind": "not a code", "recipient": "users/ada"},
        {"kind": "notice", "recipient": "users/ada", "arguments": {"email": ADDRESS}},
        {"kind": "notice", "recipient": "users/ada", "arguments": {"name": "Ada Exemple"}},
        {"kind": "notice", "recipient": "users/ada", "arguments": {"link": "https://comptoir.example/reset"}},
    ],
)
def test_what_is_no_id_or_code_does_not_get_into_the_table(arguments: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="ids and codes"):
        Mail(**arguments)  # type: ignore[arg-type]

"""Nothing secret or personal reaches a log line."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest
import structlog

from comptoir.shop.v1 import key_pb2
from services.chassis import log
from services.chassis.errors import Fault, NotFound, Unauthenticated
from services.chassis.log import redact

SECRETS = [
    "testpassword_DEMOPRIVATEKEY23G4475zXZQ2UA5x7M",
    "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2ln",
    "postgresql://shop_svc:made-up@127.0.0.1/comptoir_shop",
    "ada@boutique.example",
]


@pytest.mark.parametrize("secret", SECRETS)
def test_what_has_the_shape_of_a_secret_is_taken_out(secret: str) -> None:
    line = redact(None, "", {"detail": f"before {secret} after", "nested": {"detail": secret}})

    assert secret not in str(line)


@pytest.mark.parametrize("name", ["password", "client_secret", "access_token", "Authorization", "email"])
def test_what_is_called_a_secret_is_taken_out(name: str) -> None:
    assert "abc" not in str(redact(None, "", {name: "abc"}))


def test_messages_are_never_written_out() -> None:
    assert "DEMO" not in str(redact(None, "", {"request": key_pb2.ImportKeyRequest(value="DEMO")}))


@pytest.mark.parametrize("value", [SECRETS, [{"password": "hunter2"}], b"hunter2", ValueError("hunter2")])
def test_nothing_hides_in_lists_bytes_or_exceptions(value: object) -> None:
    line = str(redact(None, "", {"detail": value}))

    assert not any(secret in line for secret in [*SECRETS, "hunter2"])


@pytest.mark.parametrize(
    ("reads_only", "has_transaction", "fault", "is_told"),
    [
        (False, True, None, True),
        (False, False, None, False),
        (True, True, None, False),
        (True, True, NotFound("There is none."), True),
        (False, False, Unauthenticated("Login or password is wrong."), True),
    ],
)
def test_every_call_has_its_line_that_failed_or_may_have_changed_something(
    reads_only: bool,
    has_transaction: bool,
    fault: Fault | None,
    is_told: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    call: Any = SimpleNamespace(
        method=SimpleNamespace(reads_only=reads_only, path="/x/Y"),
        has_transaction=has_transaction,
        request_id="0" * 32,
    )
    monkeypatch.setattr(log, "READ_SAMPLE", 0.0)
    with structlog.testing.capture_logs() as lines:
        log.request(call, fault, 0.001)

    assert bool(lines) is is_told


def test_a_logged_exception_is_its_kind_and_place_and_never_its_text() -> None:
    # In a process of its own: logging is configured for all that a process does.
    result = subprocess.run([sys.executable, "-c", _FAILING], capture_output=True, text=True, check=True)

    assert "hunter2" not in result.stdout + result.stderr
    assert '"error": "ValueError"' in result.stdout
    assert "<module>" in result.stdout


_FAILING = """
import logging
from services.chassis.log import configure
configure("test")
try:
    raise ValueError("Failing row contains (hunter2)")
except ValueError:
    logging.getLogger("library").exception("it failed")
"""

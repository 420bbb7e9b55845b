"""Nothing secret or personal reaches a log line."""

from __future__ import annotations

import pytest

from comptoir.shop.v1 import key_pb2
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

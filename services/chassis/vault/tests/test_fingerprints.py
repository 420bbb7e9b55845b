from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine, Table, text

from services.chassis.vault.fingerprints import check_code, fingerprint
from services.chassis.vault.secret import Secret
from services.chassis.vault.tests.conftest import MakeVault
from services.chassis.vault.tests.places import PASSWORD, REST_PASSWORD
from services.chassis.vault.vault import Vault


def test_the_derivation_never_changes() -> None:
    """Stored fingerprints would no longer match. Expected: RFC 5869 and 2104 done by hand with `hmac`."""
    expected = "96bffe0c7fb70fba5b0816b2cc733ff8df11a05f53253e20417cd062695fa659"
    key, secret = Secret(bytes(range(32))), Secret("1122334455667788")
    assert expected == fingerprint(key, "shop", "acme", "look-up", secret).hex()


def test_a_fingerprint_is_the_same_in_every_process_and_through_rotations(
    make_vault: MakeVault, connection: Connection
) -> None:
    first = make_vault().fingerprint(connection, "acme", "look-up", PASSWORD)
    make_vault().rotate_company_key(connection, "acme")
    assert len(first) == 32
    assert first == make_vault().fingerprint(connection, "acme", "look-up", PASSWORD)
    assert first == make_vault().known_fingerprint(connection, "acme", "look-up", PASSWORD)


def test_company_purpose_and_secret_each_change_the_fingerprint(vault: Vault, connection: Connection) -> None:
    prints = {
        vault.fingerprint(connection, company, purpose, secret)
        for company in ("acme", "other")
        for purpose in ("look-up", "display")
        for secret in (PASSWORD, Secret("1122334455667788"))
    }
    assert len(prints) == 8


def test_the_fingerprint_key_never_seals(vault: Vault, connection: Connection) -> None:
    vault.fingerprint(connection, "acme", "look-up", PASSWORD)
    sealed = vault.seal(connection, REST_PASSWORD, PASSWORD)
    assert sealed[1:5] == b"\0\0\0\1"


@pytest.fixture
def read_only(engine: Engine, table: Table) -> Iterator[Connection]:
    with engine.connect() as connection:
        connection.execute(text("set transaction read only"))
        yield connection


def test_looking_up_a_fingerprint_writes_nothing(
    make_vault: MakeVault, engine: Engine, table: Table, read_only: Connection
) -> None:
    assert make_vault().known_fingerprint(read_only, "acme", "look-up", PASSWORD) is None
    with engine.begin() as connection:
        kept = make_vault().fingerprint(connection, "acme", "look-up", PASSWORD)
    assert kept == make_vault().known_fingerprint(read_only, "acme", "look-up", PASSWORD)


def test_the_check_code_is_the_first_six_hex_digits() -> None:
    assert check_code(bytes([0, 255, 16, 99]) + bytes(28)) == "00ff10"

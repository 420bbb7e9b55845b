from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, Table, event, update
from sqlalchemy.orm import Session

from services.chassis.vault.aead import NONCE_BYTES
from services.chassis.vault.envelope import Envelope
from services.chassis.vault.errors import KeyUnavailable, SealBroken
from services.chassis.vault.place import PLATFORM, Place
from services.chassis.vault.secret import Secret
from services.chassis.vault.tests.conftest import MakeVault
from services.chassis.vault.tests.places import PASSWORD, REST_PASSWORD
from services.chassis.vault.tests.traces import shown
from services.chassis.vault.vault import Vault

parts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)
places = st.builds(
    Place,
    service=st.just("shop"),
    company=parts,
    table=parts,
    column=parts,
    row=parts,
    kind=parts,
    environment=parts,
)
once_per_test = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@once_per_test
@given(place=places, value=st.binary(max_size=200))
def test_what_is_sealed_opens_in_another_process(
    make_vault: MakeVault, connection: Connection, place: Place, value: bytes
) -> None:
    sealed = make_vault().seal(connection, place, Secret(value))
    assert value == make_vault().open(connection, place, sealed).reveal()


def test_a_session_serves_as_well_as_a_connection(vault: Vault, engine: Engine, table: Table) -> None:
    with Session(engine) as session:
        sealed = vault.seal(session.connection(), REST_PASSWORD, PASSWORD)
        assert vault.open(session.connection(), REST_PASSWORD, sealed) == PASSWORD


def test_platform_secrets_have_keys_of_their_own(vault: Vault, connection: Connection) -> None:
    place = replace(REST_PASSWORD, company=PLATFORM)
    sealed = vault.seal(connection, place, PASSWORD)
    assert vault.open(connection, place, sealed) == PASSWORD


@pytest.mark.parametrize("name", [field.name for field in fields(Place)])
def test_sealed_bytes_moved_to_another_place_are_refused(
    vault: Vault, connection: Connection, name: str
) -> None:
    sealed = vault.seal(connection, REST_PASSWORD, PASSWORD)
    elsewhere = replace(REST_PASSWORD, **{name: "other"})
    if name != "service":
        vault.seal(connection, elsewhere, PASSWORD)
    with pytest.raises(SealBroken):
        vault.open(connection, elsewhere, sealed)


def test_sealed_bytes_of_one_row_do_not_open_in_another_whose_parts_join_alike(
    vault: Vault, connection: Connection
) -> None:
    sealed = vault.seal(connection, replace(REST_PASSWORD, row="12", kind="3x"), PASSWORD)
    with pytest.raises(SealBroken):
        vault.open(connection, replace(REST_PASSWORD, row="1", kind="23x"), sealed)


def test_sealed_bytes_moved_to_another_version_are_refused(vault: Vault, connection: Connection) -> None:
    sealed = vault.seal(connection, REST_PASSWORD, PASSWORD)
    vault.rotate_company_key(connection, "acme")
    with pytest.raises(SealBroken):
        vault.open(connection, REST_PASSWORD, Envelope(2, Envelope.parse(sealed).box).to_bytes())


def test_a_data_key_moved_to_another_service_is_refused(
    make_vault: MakeVault, connection: Connection
) -> None:
    sealed = make_vault("shop").seal(connection, REST_PASSWORD, PASSWORD)
    for place in (REST_PASSWORD, replace(REST_PASSWORD, service="identity")):
        with pytest.raises(SealBroken):
            make_vault("identity").open(connection, place, sealed)


@pytest.mark.parametrize("moved", [{"company": "other"}, {"version": 5}])
def test_a_data_key_moved_to_another_company_or_version_is_refused(
    make_vault: MakeVault, connection: Connection, table: Table, moved: dict[str, str | int]
) -> None:
    make_vault().seal(connection, REST_PASSWORD, PASSWORD)
    connection.execute(update(table).values(moved))
    with pytest.raises(SealBroken):
        make_vault().seal(
            connection, replace(REST_PASSWORD, company=str(moved.get("company", "acme"))), PASSWORD
        )


@pytest.mark.parametrize("alter", [lambda byte: byte ^ 1, lambda byte: byte ^ 0x80, lambda byte: byte ^ 0xFF])
def test_sealed_bytes_with_any_byte_altered_are_refused(
    vault: Vault, connection: Connection, alter: Callable[[int], int]
) -> None:
    vault.fingerprint(connection, "acme", "look-up", PASSWORD)
    sealed = vault.seal(connection, REST_PASSWORD, PASSWORD)
    for position in range(len(sealed)):
        altered = bytearray(sealed)
        altered[position] = alter(altered[position])
        with pytest.raises(SealBroken):
            vault.open(connection, REST_PASSWORD, bytes(altered))
    assert vault.open(connection, REST_PASSWORD, sealed) == PASSWORD


def test_sealed_bytes_cut_or_lengthened_are_refused(vault: Vault, connection: Connection) -> None:
    sealed = vault.seal(connection, REST_PASSWORD, PASSWORD)
    for length in range(len(sealed)):
        with pytest.raises(SealBroken):
            vault.open(connection, REST_PASSWORD, sealed[:length])
    with pytest.raises(SealBroken):
        vault.open(connection, REST_PASSWORD, sealed + b"\0")


@once_per_test
@given(noise=st.binary(max_size=80))
def test_bytes_that_were_never_sealed_are_refused(vault: Vault, connection: Connection, noise: bytes) -> None:
    with pytest.raises(SealBroken):
        vault.open(connection, REST_PASSWORD, noise)


def test_no_two_seals_share_a_nonce(vault: Vault, connection: Connection) -> None:
    sealed = [vault.seal(connection, REST_PASSWORD, PASSWORD) for _ in range(500)]
    assert len({Envelope.parse(each).box[:NONCE_BYTES] for each in sealed}) == 500


def test_versions_below_the_floor_neither_open_nor_seal(
    make_vault: MakeVault, connection: Connection
) -> None:
    low = make_vault()
    below = low.seal(connection, REST_PASSWORD, PASSWORD)
    high = make_vault(minimum_version=3)
    with pytest.raises(SealBroken):
        high.open(connection, REST_PASSWORD, below)
    above = high.seal(connection, REST_PASSWORD, PASSWORD)
    assert Envelope.parse(above).key_version == 3
    assert low.open(connection, REST_PASSWORD, above) == PASSWORD


def test_a_place_of_another_service_is_a_mistake_of_the_caller(vault: Vault, connection: Connection) -> None:
    with pytest.raises(ValueError, match="a place of identity in the vault of shop"):
        vault.seal(connection, replace(REST_PASSWORD, service="identity"), PASSWORD)


def test_opening_asks_the_database_once(make_vault: MakeVault, engine: Engine, table: Table) -> None:
    with engine.begin() as connection:
        sealed = make_vault().seal(connection, REST_PASSWORD, PASSWORD)
    statements: list[str] = []
    reader = make_vault()
    with engine.connect() as connection:
        event.listen(connection, "before_cursor_execute", lambda *given: statements.append(given[2]))
        for _ in range(10):
            assert reader.open(connection, REST_PASSWORD, sealed) == PASSWORD
    assert len(statements) == 1


def test_no_error_or_its_variables_show_a_secret(
    make_vault: MakeVault, connection: Connection, kek_path: Path
) -> None:
    vault = make_vault()
    sealed = vault.seal(connection, REST_PASSWORD, PASSWORD)
    key = vault._keys.current(connection, "acme").key
    kek = kek_path.read_text().split()[1]
    altered = sealed[:-1] + bytes([sealed[-1] ^ 1])
    with pytest.raises(SealBroken) as broken:
        vault.open(connection, REST_PASSWORD, altered)
    kek_path.unlink()
    with pytest.raises(KeyUnavailable) as unavailable:
        vault.seal(connection, REST_PASSWORD, PASSWORD)
    for error in (broken.value, unavailable.value):
        trace = shown(error)
        assert "acme" in trace
        for secret in (PASSWORD.reveal_text(), repr(key.reveal()), kek):
            assert secret not in trace


def test_each_error_has_a_stable_reason_and_a_fixed_text() -> None:
    assert SealBroken.reason == "SEAL_BROKEN"
    assert KeyUnavailable.reason == "KEY_UNAVAILABLE"
    assert SealBroken.text == str(SealBroken())
    assert KeyUnavailable.text == str(KeyUnavailable())

"""Data keys and KEK rotate online; what was sealed before opens until its KEK generation is destroyed."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import Connection, Engine, Table, event, select, text, update
from sqlalchemy.exc import OperationalError

from services.chassis.vault.envelope import Envelope
from services.chassis.vault.errors import KekFileInvalid, KeyUnavailable, SealBroken
from services.chassis.vault.kek_file import FileKeyring
from services.chassis.vault.kek_rotation import add_generation, destroy_generation, promote_generation
from services.chassis.vault.place import Place
from services.chassis.vault.rewrap import Cursor
from services.chassis.vault.tests.conftest import MakeVault
from services.chassis.vault.tests.places import PASSWORD, REST_PASSWORD
from services.chassis.vault.vault import Vault


def companies(count: int) -> Iterator[Place]:
    return (replace(REST_PASSWORD, company=f"company-{number:03}") for number in range(count))


def sealed_for(vault: Vault, engine: Engine, count: int) -> dict[Place, bytes]:
    with engine.begin() as connection:
        return {place: vault.seal(connection, place, PASSWORD) for place in companies(count)}


def rotate_kek(path: Path) -> tuple[str, str]:
    """Promotes a new generation; returns the former one's name and its own."""
    former, following = FileKeyring.load(path).current().key_id, add_generation(path)
    promote_generation(path, following)
    return former, following


def sweep(vault: Vault, engine: Engine, limit: int) -> int:
    done, cursor, more = 0, None, True
    while more:
        with engine.begin() as connection:
            batch = vault.rewrap(connection, after=cursor, limit=limit)
        done, cursor, more = done + batch.rewrapped, batch.cursor, batch.cursor is not None
    return done


def test_older_data_key_versions_still_open(make_vault: MakeVault, connection: Connection) -> None:
    vault = make_vault()
    sealed = [vault.seal(connection, REST_PASSWORD, PASSWORD)]
    for version in (2, 3):
        assert version == vault.rotate_company_key(connection, "acme")
        sealed.append(vault.seal(connection, REST_PASSWORD, PASSWORD))
    assert [Envelope.parse(each).key_version for each in sealed] == [1, 2, 3]
    reader = make_vault()
    assert [reader.open(connection, REST_PASSWORD, each) for each in sealed] == [PASSWORD] * 3


def test_rotation_reaches_a_process_that_remembers_the_former_key(
    make_vault: MakeVault, connection: Connection
) -> None:
    one, other = make_vault(), make_vault()
    other.seal(connection, REST_PASSWORD, PASSWORD)
    one.rotate_company_key(connection, "acme")
    assert Envelope.parse(other.seal(connection, REST_PASSWORD, PASSWORD)).key_version == 2


def test_resealing_takes_the_current_version_and_is_idempotent(vault: Vault, connection: Connection) -> None:
    before = vault.seal(connection, REST_PASSWORD, PASSWORD)
    assert before == vault.reseal(connection, REST_PASSWORD, before)
    vault.rotate_company_key(connection, "acme")
    after = vault.reseal(connection, REST_PASSWORD, before)
    assert Envelope.parse(after).key_version == 2
    assert vault.open(connection, REST_PASSWORD, after) == PASSWORD
    assert after == vault.reseal(connection, REST_PASSWORD, after)
    with pytest.raises(SealBroken):
        vault.reseal(connection, replace(REST_PASSWORD, row="other"), before)


def test_a_company_without_a_key_may_be_rotated_first(vault: Vault, connection: Connection) -> None:
    assert vault.rotate_company_key(connection, "acme") == 1
    assert Envelope.parse(vault.seal(connection, REST_PASSWORD, PASSWORD)).key_version == 1


def test_after_the_sweep_the_former_kek_is_not_needed(
    make_vault: MakeVault, engine: Engine, table: Table, kek_path: Path
) -> None:
    vault = make_vault()
    sealed = sealed_for(vault, engine, 23)
    with engine.begin() as connection:
        prints = [vault.fingerprint(connection, place.company, "look-up", PASSWORD) for place in sealed]
    former, following = rotate_kek(kek_path)
    assert sweep(vault, engine, limit=5) == 46
    assert sweep(vault, engine, limit=5) == 0
    with engine.begin() as connection:
        assert {following} == vault.kek_generations_in_use(connection)
        destroy_generation(kek_path, former)
        for reader in (vault, make_vault()):
            assert [reader.open(connection, *each) for each in sealed.items()] == [PASSWORD] * 23
            again = [reader.fingerprint(connection, place.company, "look-up", PASSWORD) for place in sealed]
            assert prints == again


@pytest.mark.parametrize("limit", [1, 5, 200])
def test_a_sweep_ends_whatever_its_batches(
    make_vault: MakeVault, engine: Engine, table: Table, kek_path: Path, limit: int
) -> None:
    vault = make_vault()
    sealed_for(vault, engine, 10)
    rotate_kek(kek_path)
    assert sweep(vault, engine, limit) == 10


def test_a_sweep_killed_in_the_middle_is_taken_up_again(
    make_vault: MakeVault, engine: Engine, table: Table, kek_path: Path
) -> None:
    vault = make_vault()
    sealed = sealed_for(vault, engine, 20)
    former, following = rotate_kek(kek_path)
    with engine.begin() as connection:
        assert vault.rewrap(connection, limit=5).rewrapped == 5
    doomed = engine.connect()
    assert vault.rewrap(doomed, limit=5).rewrapped == 5
    pid = doomed.scalar(text("select pg_backend_pid()"))
    with engine.begin() as connection:
        connection.execute(text("select pg_terminate_backend(:pid, 30000)"), {"pid": pid})
    with pytest.raises(OperationalError):
        doomed.commit()
    doomed.invalidate()
    doomed.close()
    assert sweep(make_vault(), engine, limit=5) == 15
    destroy_generation(kek_path, former)
    with engine.begin() as connection:
        assert {following} == vault.kek_generations_in_use(connection)
        assert [make_vault().open(connection, *each) for each in sealed.items()] == [PASSWORD] * 20


def test_a_key_read_just_before_the_sweep_and_needed_just_after_the_destruction_is_read_again(
    make_vault: MakeVault, engine: Engine, table: Table, kek_path: Path
) -> None:
    [(place, sealed)] = sealed_for(make_vault(), engine, 1).items()
    former, _ = rotate_kek(kek_path)

    def finish_rotation(*_: object) -> None:
        if sweep(make_vault(), engine, limit=5):
            destroy_generation(kek_path, former)

    with engine.connect() as connection:
        event.listen(connection, "after_cursor_execute", finish_rotation)
        assert make_vault().open(connection, place, sealed) == PASSWORD
    assert former not in kek_path.read_text()


def test_a_sweep_passes_over_keys_that_cannot_be_unwrapped_and_names_them(
    make_vault: MakeVault, engine: Engine, table: Table, kek_path: Path
) -> None:
    vault = make_vault()
    sealed_for(vault, engine, 3)
    with engine.begin() as connection:
        broken = update(table).where(table.c.company == "company-001").values(wrapped=b"\0" * 60)
        connection.execute(broken)
    rotate_kek(kek_path)
    cursor: Cursor | None = None
    stranded: list[Cursor] = []
    for _ in range(4):
        with engine.begin() as connection:
            batch = vault.rewrap(connection, after=cursor, limit=1)
        stranded, cursor = [*stranded, *batch.stranded], batch.cursor
    assert cursor is None
    assert stranded == [("company-001", 1)]


def test_a_destroyed_generation_makes_its_keys_unavailable_even_where_they_are_remembered(
    make_vault: MakeVault, connection: Connection, kek_path: Path
) -> None:
    vault = make_vault()
    sealed = vault.seal(connection, REST_PASSWORD, PASSWORD)
    former, _ = rotate_kek(kek_path)
    assert vault.open(connection, REST_PASSWORD, sealed) == PASSWORD
    destroy_generation(kek_path, former)
    for reader in (vault, make_vault()):
        with pytest.raises(KeyUnavailable):
            reader.open(connection, REST_PASSWORD, sealed)
        with pytest.raises(KeyUnavailable):
            reader.seal(connection, REST_PASSWORD, PASSWORD)


def test_a_company_whose_key_is_lost_seals_again_after_a_rotation(
    make_vault: MakeVault, connection: Connection, kek_path: Path
) -> None:
    vault = make_vault()
    vault.seal(connection, REST_PASSWORD, PASSWORD)
    former, _ = rotate_kek(kek_path)
    destroy_generation(kek_path, former)
    vault.rotate_company_key(connection, "acme")
    sealed = vault.seal(connection, REST_PASSWORD, PASSWORD)
    assert make_vault().open(connection, REST_PASSWORD, sealed) == PASSWORD


def test_a_generation_not_delivered_yet_is_unavailable_not_broken(
    make_vault: MakeVault, connection: Connection, kek_path: Path
) -> None:
    before = kek_path.read_bytes()
    rotate_kek(kek_path)
    sealed = make_vault().seal(connection, REST_PASSWORD, PASSWORD)
    kek_path.write_bytes(before)
    with pytest.raises(KeyUnavailable) as caught:
        make_vault().open(connection, REST_PASSWORD, sealed)
    assert not isinstance(caught.value, KekFileInvalid)


def test_an_erased_company_opens_nowhere_and_its_backup_dies_with_the_kek(
    make_vault: MakeVault, engine: Engine, table: Table, kek_path: Path
) -> None:
    vault = make_vault()
    sealed = sealed_for(vault, engine, 2)
    (gone, gone_bytes), (kept, kept_bytes) = sealed.items()
    with engine.begin() as connection:
        backup = connection.execute(select(table).where(table.c.company == gone.company)).mappings().one()
        assert vault.erase_company(connection, gone.company) == 1
    former, _ = rotate_kek(kek_path)
    sweep(vault, engine, limit=10)
    with engine.begin() as connection:
        for reader in (vault, make_vault()):
            with pytest.raises(SealBroken):
                reader.open(connection, gone, gone_bytes)
    destroy_generation(kek_path, former)
    with engine.begin() as connection:
        connection.execute(table.insert().values(**backup))
        with pytest.raises(KeyUnavailable):
            make_vault().open(connection, gone, gone_bytes)
        assert make_vault().open(connection, kept, kept_bytes) == PASSWORD


def test_keys_rotate_under_load(make_vault: MakeVault, engine: Engine, table: Table, kek_path: Path) -> None:
    """Two processes' vaults seal and open without one failure while data keys and KEK rotate three times."""
    sealed = sealed_for(make_vault(), engine, 4)
    done = Event()

    def use(vault: Vault) -> int:
        turns = 0
        while turns < 20 or not done.is_set():
            for place, before in sealed.items():
                with engine.begin() as connection:
                    assert vault.open(connection, place, before) == PASSWORD
                    now = vault.seal(connection, place, PASSWORD)
                    assert vault.open(connection, place, now) == PASSWORD
            turns += 1
        return turns

    with ThreadPoolExecutor(2) as pool:
        users = [pool.submit(use, make_vault()) for _ in range(2)]
        try:
            operator = make_vault()
            for _ in range(3):
                former, following = rotate_kek(kek_path)
                with engine.begin() as connection:
                    for place in sealed:
                        operator.rotate_company_key(connection, place.company)
                sweep(operator, engine, limit=2)
                with engine.begin() as connection:
                    assert {following} == operator.kek_generations_in_use(connection)
                destroy_generation(kek_path, former)
        finally:
            done.set()
        assert all(user.result(timeout=60) >= 20 for user in users)

"""Two transactions at once, on one vault and on two: one key comes out, and what both sealed opens."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import repeat
from pathlib import Path
from threading import Barrier
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection, Engine, Table, func, select, text

from services.chassis.vault.errors import SealBroken
from services.chassis.vault.kek_rotation import add_generation, promote_generation
from services.chassis.vault.place import Place
from services.chassis.vault.secret import Secret
from services.chassis.vault.tests.conftest import MakeVault
from services.chassis.vault.tests.places import PASSWORD, REST_PASSWORD
from services.chassis.vault.vault import Vault

T = TypeVar("T")


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


def count(engine: Engine, table: Table) -> int:
    with engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


def blocked_by(engine: Engine, holder: Connection, waiting: Future[Any]) -> bool:
    """Waits until a backend waits for the holder's; False if the other thread ended first."""
    pid = holder.connection.dbapi_connection.info.backend_pid  # type: ignore[union-attr]
    query = text("select count(*) from pg_stat_activity where :pid = any(pg_blocking_pids(pid))")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as watcher:
        while not waiting.done():
            if watcher.scalar(query, {"pid": pid}):
                return True
    return False


def in_transaction(engine: Engine, work: Callable[[Connection], T]) -> T:
    with engine.begin() as connection:
        return work(connection)


def test_creators_at_the_same_moment_end_with_one_key(
    make_vault: MakeVault, engine: Engine, table: Table, pool: ThreadPoolExecutor
) -> None:
    shared = make_vault()
    vaults = [shared, shared, make_vault(), make_vault()]
    start = Barrier(len(vaults))

    def seal(vault: Vault, place: Place) -> bytes:
        start.wait()
        return in_transaction(engine, lambda connection: vault.seal(connection, place, PASSWORD))

    for number in range(25):
        place = replace(REST_PASSWORD, company=f"company-{number}")
        sealed = list(pool.map(seal, vaults, repeat(place)))
        with engine.connect() as connection:
            for vault in vaults:
                assert [vault.open(connection, place, each) for each in sealed] == [PASSWORD] * 4
    assert count(engine, table) == 25


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("committed", [True, False])
def test_the_second_creator_waits_and_uses_the_key_that_stands(
    make_vault: MakeVault,
    engine: Engine,
    table: Table,
    pool: ThreadPoolExecutor,
    shared: bool,
    committed: bool,
) -> None:
    first = make_vault()
    second = first if shared else make_vault()
    with engine.connect() as holder:
        early = first.seal(holder, REST_PASSWORD, PASSWORD)
        late = pool.submit(
            in_transaction, engine, lambda connection: second.seal(connection, REST_PASSWORD, Secret("late"))
        )
        assert blocked_by(engine, holder, late)
        if committed:
            holder.commit()
        else:
            holder.rollback()
        sealed = late.result(timeout=30)
    assert count(engine, table) == 1
    with engine.connect() as connection:
        for vault in (first, second, make_vault()):
            assert Secret("late") == vault.open(connection, REST_PASSWORD, sealed)
            if committed:
                assert vault.open(connection, REST_PASSWORD, early) == PASSWORD


def test_a_key_rolled_back_while_remembered_does_no_harm(
    make_vault: MakeVault, engine: Engine, table: Table
) -> None:
    vault, other = make_vault(), make_vault()
    with engine.connect() as connection:
        lost = vault.seal(connection, REST_PASSWORD, PASSWORD)
        connection.rollback()
    with engine.begin() as connection:
        sealed = other.seal(connection, REST_PASSWORD, PASSWORD)
    with engine.begin() as connection:
        assert vault.open(connection, REST_PASSWORD, sealed) == PASSWORD
        again = vault.seal(connection, REST_PASSWORD, PASSWORD)
        assert other.open(connection, REST_PASSWORD, again) == PASSWORD
        with pytest.raises(SealBroken):
            vault.open(connection, REST_PASSWORD, lost)


def test_a_fingerprint_never_rests_on_a_key_that_was_rolled_back(
    make_vault: MakeVault, engine: Engine, table: Table
) -> None:
    vault = make_vault()
    with engine.connect() as connection:
        vault.fingerprint(connection, "acme", "look-up", PASSWORD)
        connection.rollback()
    with engine.begin() as connection:
        assert vault.known_fingerprint(connection, "acme", "look-up", PASSWORD) is None
        kept = vault.fingerprint(connection, "acme", "look-up", PASSWORD)
    with engine.begin() as connection:
        assert kept == make_vault().fingerprint(connection, "acme", "look-up", PASSWORD)


def test_two_rotations_at_once_make_one_version(
    make_vault: MakeVault, engine: Engine, table: Table, pool: ThreadPoolExecutor
) -> None:
    vault, other = make_vault(), make_vault()
    with engine.begin() as connection:
        vault.seal(connection, REST_PASSWORD, PASSWORD)
    with engine.connect() as holder:
        assert vault.rotate_company_key(holder, "acme") == 2
        late = pool.submit(
            in_transaction, engine, lambda connection: other.rotate_company_key(connection, "acme")
        )
        assert blocked_by(engine, holder, late)
        holder.commit()
        assert late.result(timeout=30) == 2
    assert count(engine, table) == 2


def test_two_sweeps_at_once_wrap_each_key_once(
    make_vault: MakeVault, engine: Engine, table: Table, kek_path: Path, pool: ThreadPoolExecutor
) -> None:
    vault = make_vault()
    with engine.begin() as connection:
        sealed = vault.seal(connection, REST_PASSWORD, PASSWORD)
    promote_generation(kek_path, add_generation(kek_path))
    with engine.connect() as holder:
        assert vault.rewrap(holder).rewrapped == 1
        late = pool.submit(in_transaction, engine, lambda connection: make_vault().rewrap(connection))
        assert blocked_by(engine, holder, late)
        holder.commit()
        assert late.result(timeout=30).rewrapped == 0
    with engine.begin() as connection:
        assert make_vault().open(connection, REST_PASSWORD, sealed) == PASSWORD

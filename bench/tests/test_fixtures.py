"""What is measured is what the services would have written: histories verify, and their values open."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable
from pathlib import Path

import pytest
from psycopg.rows import dict_row

from bench.fixtures import Bulk, History, companies
from services.chassis.changes import chain
from services.chassis.changes.log import ChangeLog
from services.chassis.db.database import Database
from services.chassis.db.scope import Scope
from services.chassis.service import Service
from services.chassis.testing.postgres import Clone
from services.chassis.vault.data_keys import DataKeys
from services.chassis.vault.kek_file import FileKeyring
from services.chassis.vault.sql_store import SqlDataKeyStore
from services.chassis.vault.vault import Vault
from services.shop import shops
from services.shop.rows import TABLES
from services.shop.service import SHOP

CHANGES = 30


@pytest.fixture(scope="module")
def kek(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("kek") / "kek"
    file.write_text(f"bench {base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()}\n")
    file.chmod(0o600)
    return file


@pytest.fixture(scope="module")
def filled(clone: Callable[[Service], Clone], kek: Path) -> Clone:
    database = clone(SHOP)
    with database.administrator() as connection:
        bulk = Bulk(connection, database.urls["owner"], kek)
        bulk.write([History("valued", "00000007", CHANGES, [range(1, 3), range(20, 31)])])
        bulk.write(companies(3, CHANGES))
        bulk.open_shops(companies(3, CHANGES))
        bulk.finish()
    return database


def test_every_chain_verifies_up_to_its_head(filled: Clone) -> None:
    with filled.administrator() as connection:
        heads = connection.execute("select scope, sequence, hash from change_heads").fetchall()
        assert {"companies/valued", *(f"companies/company-{number}" for number in range(3))} == {
            scope for scope, _, _ in heads
        }
        for scope, sequence, digest in heads:
            rows = connection.cursor(row_factory=dict_row).execute(
                "select * from changes where scope = %s order by sequence", [scope]
            )
            changes = [{**row, "time": row["time"].isoformat(timespec="microseconds")} for row in rows]
            assert CHANGES == len(changes) == sequence
            assert chain.verify(changes, (sequence, digest)) is None


def test_the_values_asked_for_open_and_there_are_no_others(filled: Clone, kek: Path) -> None:
    vault = Vault(DataKeys("shop", FileKeyring.load(kek), SqlDataKeyStore(TABLES.data_keys)))
    log, database = ChangeLog("shop", TABLES.log, vault), Database(filled.urls["svc"])
    try:
        with database.transaction(Scope(company="valued", read_only=True)) as session:
            known = log.opened(session, "companies/valued", range(1, CHANGES + 1))
    finally:
        database.close()

    assert {1, 2, *range(20, 31)} == {sequence for sequence, each in known.items() if not each.doubtful}
    assert known[20].after == {"display_name": "Boutique 20"}


def test_the_shops_opened_are_those_that_a_service_finds(filled: Clone) -> None:
    database = Database(filled.urls["svc"])
    try:
        with database.transaction(Scope(read_only=True)) as session:
            company = shops.owner(session, "00000002")
        with database.transaction(Scope(company=company, read_only=True)) as session:
            assert shops.find(session, "company-2", "00000002").name == "companies/company-2/shops/00000002"
    finally:
        database.close()

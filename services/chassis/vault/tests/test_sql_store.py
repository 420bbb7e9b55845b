from sqlalchemy import Connection, Table

from services.chassis.vault.key_cache import WrappedKey
from services.chassis.vault.sql_store import SqlDataKeyStore


def test_a_version_that_exists_is_not_replaced_by_adding_it(connection: Connection, table: Table) -> None:
    store = SqlDataKeyStore(table)
    first, second = WrappedKey("acme", 1, "kek", b"first"), WrappedKey("acme", 1, "kek", b"second")
    assert first == store.add(connection, first)
    assert first == store.add(connection, second)


def test_the_newest_key_is_the_highest_version_that_seals(connection: Connection, table: Table) -> None:
    store = SqlDataKeyStore(table)
    store.add(connection, WrappedKey("acme", 0, "kek", b"fingerprints"))
    assert store.newest(connection, "acme") is None
    keys = [store.add(connection, WrappedKey("acme", version, "kek", b"key")) for version in (9, 10)]
    assert keys[1] == store.newest(connection, "acme")
    assert store.newest(connection, "other") is None


def test_only_the_row_that_was_read_is_replaced(connection: Connection, table: Table) -> None:
    store = SqlDataKeyStore(table)
    old = store.add(connection, WrappedKey("acme", 1, "old", b"old"))
    new, late = WrappedKey("acme", 1, "new", b"new"), WrappedKey("acme", 1, "new", b"late")
    assert store.replace(connection, old, new)
    assert not store.replace(connection, old, late)
    assert new == store.get(connection, "acme", 1)


def test_deleting_a_company_leaves_the_others(connection: Connection, table: Table) -> None:
    store = SqlDataKeyStore(table)
    for company, version in [("acme", 0), ("acme", 1), ("other", 1)]:
        store.add(connection, WrappedKey(company, version, "kek", b"key"))
    assert store.delete(connection, "acme") == 2
    assert {"kek"} == store.kek_ids(connection)
    assert store.get(connection, "other", 1) is not None

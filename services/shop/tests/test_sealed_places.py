"""A sealed value in PostgreSQL opens where it was sealed, whole and unaltered, and nowhere else (SH12).

Whoever can write every table of the database still cannot make one key pass for another.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from psycopg import Connection, sql

from comptoir.shop.v1 import key_pb2, shop_pb2
from services.chassis.db.scope import Scope
from services.chassis.testing.running import Running
from services.chassis.vault.configured import configured_vault
from services.chassis.vault.envelope import Envelope
from services.chassis.vault.errors import KeyUnavailable, SealBroken
from services.chassis.vault.secret import Secret
from services.chassis.vault.vault import Vault
from services.shop.keys import KINDS, KeyRing
from services.shop.rows import TABLES
from services.shop.sealed import SEALED
from services.shop.service import SHOP

TABLE = SEALED[0].table.name
KEYS = {
    "form-test": "1122334455667788",
    "form-production": "8877665544332211",
    "hmac-test": "38453613e7f44dc58732bad3dca2bca3",
}


@dataclass(frozen=True)
class Key:
    """One key of one shop, as it lies in the database."""

    company: str
    shop_id: str
    key_id: str = "form-test"

    @property
    def where(self) -> sql.Composed:
        """Its present value among the rows."""
        return sql.SQL(
            "company = {} and shop_id = {} and key_id = {}"
            " and generation = (select max(generation) from {table} k"
            "  where k.company = {} and k.shop_id = {} and k.key_id = {})"
        ).format(
            *(self.company, self.shop_id, self.key_id) * 2,
            table=sql.Identifier(TABLE),
        )


HERE, SIBLING = Key("acme", "10000001"), Key("acme", "10000002")
FOREIGN = Key("other", "10000003")


@pytest.fixture(scope="module")
def shop(run_service: Callable[..., Running]) -> Running:
    running = run_service(SHOP)
    for key in (HERE, SIBLING, FOREIGN):
        request = shop_pb2.CreateShopRequest(
            parent=f"companies/{key.company}",
            shop=shop_pb2.Shop(display_name="Boutique"),
            shop_id=key.shop_id,
        )
        running.call("ShopService/CreateShop", request, shop_pb2.Shop, service="bootstrap")
        for key_id, value in KEYS.items():
            bring(running, Key(key.company, key.shop_id, key_id), value)
    return running


def bring(shop: Running, key: Key, value: str) -> None:
    name = f"companies/{key.company}/shops/{key.shop_id}/keys/{key.key_id}"
    request = key_pb2.ImportKeyRequest(name=name, value=value)
    shop.call("KeyService/ImportKey", request, key_pb2.Key, service="bootstrap")


def intruder(shop: Running) -> Connection:
    """Somebody who is held back by nothing that PostgreSQL can refuse."""
    connection = shop.database.administrator()
    connection.execute("set session_replication_role = replica")
    return connection


def lies(shop: Running, key: Key) -> bytes:
    with intruder(shop) as db:
        query = sql.SQL("select sealed from {} where {}").format(sql.Identifier(TABLE), key.where)
        ((sealed,),) = db.execute(query).fetchall()
    return bytes(sealed)


def put(shop: Running, key: Key, sealed: bytes) -> None:
    with intruder(shop) as db:
        query = sql.SQL("update {} set sealed = {} where {}").format(
            sql.Identifier(TABLE), sql.Literal(sealed), key.where
        )
        assert db.execute(query).rowcount == 1


def value_of(shop: Running, key: Key, vault: Vault | None = None) -> Secret:
    """The key's value, from the database: nothing that was remembered counts."""
    vault = vault or shop.resources.vault
    vault.flush()
    with shop.resources.database.transaction(Scope(key.company, read_only=True)) as db:
        return KeyRing(vault).values(db, key.company, key.shop_id, KINDS[key.key_id])[0].secret


def refused_at(shop: Running, key: Key, sealed: bytes) -> bool:
    """Whether the bytes do not open at the key's place, where the right ones do before and after."""
    right = lies(shop, key)
    before = value_of(shop, key)
    put(shop, key, sealed)
    try:
        with pytest.raises(SealBroken):
            value_of(shop, key)
    finally:
        put(shop, key, right)
    return before == value_of(shop, key)


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(SIBLING, id="row: the same key of a sibling shop"),
        pytest.param(Key("acme", "10000001", "hmac-test"), id="kind: another key of the shop"),
        pytest.param(Key("acme", "10000001", "form-production"), id="environment: its production twin"),
        pytest.param(FOREIGN, id="company: the same key of a foreign shop"),
    ],
)
def test_the_sealed_value_of_another_key_is_refused(shop: Running, source: Key) -> None:
    assert refused_at(shop, HERE, lies(shop, source))
    assert refused_at(shop, source, lies(shop, HERE))


def test_a_former_value_of_the_same_key_cannot_be_put_back(shop: Running) -> None:
    former = lies(shop, HERE)
    bring(shop, HERE, "1111222233334444")

    assert refused_at(shop, HERE, former)


def test_a_value_is_bound_to_the_version_of_its_data_key(shop: Running) -> None:
    with intruder(shop) as db:
        db.execute(
            "insert into data_keys select company, 2, kek_id, wrapped from data_keys"
            " where company = 'acme' and version = 1"
        )
        parsed = Envelope.parse(lies(shop, HERE))
        db.commit()
        try:
            assert refused_at(shop, HERE, Envelope(2, parsed.box).to_bytes())
        finally:
            db.execute("delete from data_keys where company = 'acme' and version = 2")
            db.commit()


def test_a_value_of_another_table_is_refused(shop: Running) -> None:
    with intruder(shop) as db:
        query = "select sealed from change_values where scope = 'companies/acme'"
        others = [bytes(row[0]) for row in db.execute(query)]

    assert others != []
    for sealed in others[:3]:
        assert refused_at(shop, HERE, sealed)


def test_a_value_of_one_column_is_refused_in_another_of_the_same_row(shop: Running) -> None:
    log, scope = shop.resources.changes, "companies/acme"
    with intruder(shop) as db:
        query = "update change_values set source = sealed where scope = %s and sequence = 1"
        assert db.execute(query, [scope]).rowcount == 1
    shop.resources.vault.flush()
    with shop.resources.database.transaction(Scope("acme", read_only=True)) as session:
        known = log.opened(session, scope, [1, 2])

    assert [known[1].doubtful, known[2].doubtful] == [True, False]


def test_another_service_over_the_same_rows_and_keys_opens_nothing(shop: Running) -> None:
    own = configured_vault("shop", TABLES.data_keys, shop.settings)
    other = configured_vault("identity", TABLES.data_keys, shop.settings)

    assert value_of(shop, SIBLING, own) == Secret(KEYS["form-test"])
    with pytest.raises(SealBroken):
        value_of(shop, SIBLING, other)


def test_every_altered_byte_and_every_cut_is_refused(shop: Running) -> None:
    right = lies(shop, SIBLING)
    put(shop, SIBLING, right)
    assert value_of(shop, SIBLING) == Secret(KEYS["form-test"])
    try:
        for position in range(len(right)):
            flipped = bytearray(right)
            flipped[position] ^= 1 << position % 8
            put(shop, SIBLING, bytes(flipped))
            with pytest.raises(SealBroken):
                value_of(shop, SIBLING)
        for cut in (right[:-1], right[1:], right + b"\0", b"", right * 2):
            put(shop, SIBLING, cut)
            with pytest.raises(SealBroken):
                value_of(shop, SIBLING)
    finally:
        put(shop, SIBLING, right)
    assert value_of(shop, SIBLING) == Secret(KEYS["form-test"])


@pytest.mark.parametrize(
    ("slip", "raised"),
    [
        pytest.param("wrapped = (select wrapped from data_keys where {other})", SealBroken, id="company"),
        pytest.param("wrapped = (select wrapped from data_keys where {print})", SealBroken, id="version"),
        pytest.param("wrapped = set_byte(wrapped, 20, get_byte(wrapped, 20) # 1)", SealBroken, id="byte"),
        pytest.param("kek_id = 'elsewhere'", KeyUnavailable, id="generation"),
    ],
)
def test_a_wrapped_data_key_is_bound_to_its_own_place(
    shop: Running, slip: str, raised: type[Exception]
) -> None:
    own = "company = 'acme' and version = 1"
    values = {"other": "company = 'other' and version = 1", "print": "company = 'acme' and version = 0"}
    with intruder(shop) as db:
        ((kek_id, wrapped),) = db.execute(f"select kek_id, wrapped from data_keys where {own}").fetchall()
        assert db.execute(f"update data_keys set {slip.format(**values)} where {own}").rowcount == 1
        db.commit()
        try:
            with pytest.raises(raised):
                value_of(shop, SIBLING)
        finally:
            db.execute(f"update data_keys set kek_id = %s, wrapped = %s where {own}", [kek_id, wrapped])
            db.commit()
    assert value_of(shop, SIBLING) == Secret(KEYS["form-test"])

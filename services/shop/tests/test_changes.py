"""Every write of the shop service is a change (SH13): who, for whom, what, from which value to which."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from sqlalchemy import event

from comptoir.shop.v1 import key_pb2, shop_pb2
from services.chassis.changes import chain
from services.chassis.changes.log import ChangeLog
from services.chassis.db.scope import Scope
from services.chassis.errors import Stale
from services.chassis.testing.running import Running
from services.chassis.vault.errors import SealBroken
from services.shop.rows import TABLES
from services.shop.service import SHOP


@pytest.fixture(scope="module")
def shop(run_service: Callable[..., Running]) -> Running:
    return run_service(SHOP)


def opened(shop: Running, company: str) -> shop_pb2.Shop:
    request = shop_pb2.CreateShopRequest(
        parent=f"companies/{company}", shop=shop_pb2.Shop(display_name="Boutique du port")
    )
    return shop.call("ShopService/CreateShop", request, shop_pb2.Shop, service="bootstrap")


def rows(shop: Running, company: str) -> list[dict[str, Any]]:
    """The chain of a company, read behind the service's back."""
    with shop.database.administrator() as connection:
        cursor = connection.cursor(row_factory=psycopg.rows.dict_row)
        cursor.execute("select * from changes where scope = %s order by sequence", [f"companies/{company}"])
        return [{**row, "time": row["time"].isoformat(timespec="microseconds")} for row in cursor.fetchall()]


def head(shop: Running, company: str) -> tuple[int, bytes]:
    with shop.database.administrator() as connection:
        found = connection.execute(
            "select sequence, hash from change_heads where scope = %s", [f"companies/{company}"]
        ).fetchone()
    assert found is not None
    return found[0], found[1]


def test_a_changed_label_is_one_change_with_both_values(shop: Running) -> None:
    before = opened(shop, "one")
    change = shop_pb2.UpdateShopRequest(
        shop=shop_pb2.Shop(name=before.name, display_name="Nouveau nom"),
        update_mask=FieldMask(paths=["display_name"]),
    )
    token = shop.mint.token(company="one")
    shop.call(
        "ShopService/UpdateShop", change, shop_pb2.Shop, token=token, metadata={"x-request-id": "request-one"}
    )

    last = rows(shop, "one")[-1]
    log = ChangeLog("shop", TABLES.log, shop.resources.vault)
    with shop.resources.database.transaction(Scope(company="one")) as session:
        values = log.values(session, "companies/one", last["sequence"])

    assert (last["resource"], last["action"], last["fields"]) == (before.name, "UPDATE", ["display_name"])
    assert (last["actor"], last["request_id"]) == ("users/userexample", "request-one")
    assert values is not None
    assert values["before"] == {"display_name": "Boutique du port"}
    assert values["after"] == {"display_name": "Nouveau nom"}


def test_a_new_shop_is_one_change_a_resource_and_no_secret_is_in_any(shop: Running) -> None:
    name = opened(shop, "two").name

    found = rows(shop, "two")

    assert [row["resource"] for row in found] == [
        name,
        *(f"{name}/keys/{key}-test" for key in ("form", "rest-password", "public", "hmac")),
    ]
    log = ChangeLog("shop", TABLES.log, shop.resources.vault)
    with shop.resources.database.transaction(Scope(company="two")) as session:
        values = [log.values(session, "companies/two", row["sequence"]) for row in found]
    assert all(value is not None and value["after"].get("sealed") is None for value in values)


def test_what_is_refused_or_changes_nothing_leaves_no_change(shop: Running) -> None:
    before = opened(shop, "three")
    count = len(rows(shop, "three"))
    token = shop.mint.token(company="three")
    stale = shop_pb2.UpdateShopRequest(shop=shop_pb2.Shop(name=before.name, display_name="x", etag='"0"'))
    same = shop_pb2.UpdateShopRequest(shop=shop_pb2.Shop(name=before.name, display_name=before.display_name))
    trial = shop_pb2.UpdateShopRequest(
        shop=shop_pb2.Shop(name=before.name, display_name="trial"), validate_only=True
    )
    with pytest.raises(Stale):
        shop.call("ShopService/UpdateShop", stale, shop_pb2.Shop, token=token)
    shop.call("ShopService/UpdateShop", same, shop_pb2.Shop, token=token)
    shop.call("ShopService/UpdateShop", trial, shop_pb2.Shop, token=token)

    assert len(rows(shop, "three")) == count


def test_the_chain_holds_and_an_altered_or_missing_change_is_found(shop: Running) -> None:
    name = opened(shop, "four").name
    for _ in range(3):
        key = key_pb2.RegenerateTestKeyRequest(name=f"{name}/keys/form-test")
        shop.call("KeyService/RegenerateTestKey", key, key_pb2.Key, token=shop.mint.token(company="four"))
    found, end = rows(shop, "four"), head(shop, "four")
    altered = [{**row, "actor": "users/somebody"} if row["sequence"] == 3 else row for row in found]

    assert chain.verify(found, end) is None
    assert chain.verify(altered, end) == chain.Break(3, "change 3 was altered, or what came before it")
    assert chain.verify(found[:2] + found[3:], end) == chain.Break(
        3, "change 3 is missing: 4 stands in its place"
    )
    assert chain.verify(found[:-1], end) is not None


def test_the_database_refuses_a_write_that_left_no_change(shop: Running) -> None:
    opened(shop, "five")
    with psycopg.connect(shop.database.urls["svc"]) as connection:
        connection.execute("select set_config('app.company', 'five', false)")
        connection.execute("update shops set display_name = 'behind the back'")
        with pytest.raises(psycopg.DatabaseError) as refused:
            connection.commit()

    assert refused.value.sqlstate == "CM001"


@pytest.mark.parametrize(
    "statement", ["update changes set actor = 'x'", "delete from changes", "delete from change_values"]
)
def test_the_service_cannot_rewrite_its_log(shop: Running, statement: str) -> None:
    with psycopg.connect(shop.database.urls["svc"]) as connection:
        connection.execute("select set_config('app.company', 'six', false)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)


def test_the_log_takes_no_temporary_table_for_its_own(shop: Running) -> None:
    opened(shop, "seven")
    with shop.database.administrator() as connection:
        connection.execute(f"grant temporary on database {shop.database.name} to shop_svc")
    with psycopg.connect(shop.database.urls["svc"]) as connection:
        connection.execute("select set_config('app.company', 'seven', false)")
        connection.execute("create temporary table changes (transaction xid8)")
        connection.execute("insert into pg_temp.changes values (pg_current_xact_id())")
        connection.execute("update shops set display_name = 'behind the back'")
        with pytest.raises(psycopg.DatabaseError) as refused:
            connection.commit()

    assert refused.value.sqlstate == "CM001"


@pytest.mark.parametrize(
    "change", ["sequence = 0", "sequence = sequence, hash = 'x'", "scope = 'companies/else', sequence = 99"]
)
def test_the_head_of_a_log_never_goes_back(shop: Running, change: str) -> None:
    opened(shop, "eight")
    with psycopg.connect(shop.database.urls["svc"]) as connection:
        connection.execute("select set_config('app.company', 'eight', false)")
        with pytest.raises(psycopg.DatabaseError) as refused:
            connection.execute(f"update change_heads set {change}")

    assert refused.value.sqlstate == "CM002"


def test_values_put_beside_another_change_are_refused(shop: Running) -> None:
    opened(shop, "nine")
    with shop.database.administrator() as connection:
        connection.execute(
            "update change_values set sequence = case sequence when 1 then -2 else -1 end"
            " where scope = 'companies/nine' and sequence <= 2;"
            " update change_values set sequence = -sequence where scope = 'companies/nine' and sequence < 0"
        )
    log = ChangeLog("shop", TABLES.log, shop.resources.vault)

    with shop.resources.database.transaction(Scope(company="nine")) as session:
        assert log.values(session, "companies/nine", 3) is not None
        with pytest.raises(SealBroken):
            log.values(session, "companies/nine", 1)


def test_the_head_is_locked_for_four_statements_however_much_was_changed(shop: Running) -> None:
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    engine = shop.resources.database.engine
    opened(shop, "ten")
    event.listen(engine, "before_cursor_execute", note)
    try:
        opened(shop, "ten")
    finally:
        event.remove(engine, "before_cursor_execute", note)
    first = next(number for number, statement in enumerate(sent) if "change_heads" in statement)

    assert [(each.split()[0], _table(each)) for each in sent[first:]] == [
        ("SELECT", "change_heads"),
        ("INSERT", "changes"),
        ("INSERT", "change_values"),
        ("UPDATE", "change_heads"),
    ]


def _table(statement: str) -> str:
    return next(table for table in ("change_heads", "change_values", "changes") if table in statement.split())


def test_the_directory_of_shops_only_grows(shop: Running) -> None:
    with psycopg.connect(shop.database.urls["svc"]) as connection:
        for statement in ("update shop_directory set company = 'x'", "delete from shop_directory"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
            connection.rollback()

"""A write tells its revision, and a read that names one is never older than it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from google.protobuf.message import Message

from comptoir.shop.v1 import shop_pb2
from services.chassis.changes.revisions import Revisions
from services.chassis.db.scope import Scope
from services.chassis.errors import Fault, Invalid, Precondition, Unavailable
from services.chassis.names import new_id
from services.chassis.rpc.metadata import MIN_REVISION, REVISION
from services.chassis.testing.running import METHODS, Running
from services.shop.service import SHOP


@pytest.fixture(scope="module")
def shop(run_service: Callable[..., Running]) -> Running:
    return run_service(SHOP)


def opened(shop: Running) -> tuple[shop_pb2.Shop, str]:
    company = new_id()
    request = shop_pb2.CreateShopRequest(
        parent=f"companies/{company}", shop=shop_pb2.Shop(display_name="One")
    )
    row = shop.call("ShopService/CreateShop", request, shop_pb2.Shop, service="bootstrap")
    return row, shop.mint.token(company=company)


def renamed(shop: Running, name: str, token: str, label: str) -> str:
    """Renames, and returns the revision."""
    told: dict[str, str] = {}
    request = shop_pb2.UpdateShopRequest(shop=shop_pb2.Shop(name=name, display_name=label))
    request.update_mask.paths.append("display_name")
    send(shop, "ShopService/UpdateShop", request, token, told=told)
    return told[REVISION]


def send(
    shop: Running,
    method: str,
    request: Message,
    token: str,
    *,
    told: dict[str, str] | None = None,
    revision: str | None = None,
) -> Message:
    headers = {"authorization": f"Bearer {token}"}
    if revision is not None:
        headers[MIN_REVISION] = revision
    return shop.client().call(METHODS[method], request, metadata=headers, told=told)


def read(shop: Running, name: str, token: str, revision: str) -> shop_pb2.Shop:
    request = shop_pb2.GetShopRequest(name=name)
    answer = send(shop, "ShopService/GetShop", request, token, revision=revision)
    assert isinstance(answer, shop_pb2.Shop)
    return answer


def refused(shop: Running, name: str, token: str, revision: str) -> Fault:
    with pytest.raises(Fault) as fault:
        read(shop, name, token, revision)
    return fault.value


def test_a_read_that_names_a_revision_passes_by_what_is_kept_in_memory(shop: Running) -> None:
    row, token = opened(shop)
    assert read(shop, row.name, token, renamed(shop, row.name, token, "Two")).display_name == "Two"
    # Behind the service's back, so that nothing tells its memory: only the database knows.
    with shop.database.administrator() as connection:
        connection.execute("alter table shops disable trigger shops_recorded")
        revision = renamed(shop, row.name, token, "Three")
        send(shop, "ShopService/GetShop", shop_pb2.GetShopRequest(name=row.name), token)
        connection.execute(
            "update shops set display_name = 'Four' where shop_id = %s", (row.name.rsplit("/", 1)[1],)
        )
        connection.execute("alter table shops enable trigger shops_recorded")

    assert read(shop, row.name, token, revision).display_name == "Four"


def test_a_revision_that_was_not_reached_is_waited_for_and_then_refused(shop: Running) -> None:
    row, token = opened(shop)
    revision = renamed(shop, row.name, token, "Two")
    with shop.database.administrator() as connection:
        # As on a copy of the database that lags behind.
        connection.execute("alter table change_heads disable trigger change_heads_grow")
        connection.execute(
            "update change_heads set sequence = sequence - 1 where scope like %s", (_scope(row),)
        )
        fault = refused(shop, row.name, token, revision)
        connection.execute(
            "update change_heads set sequence = sequence + 1 where scope like %s", (_scope(row),)
        )
        connection.execute("alter table change_heads enable trigger change_heads_grow")

    assert (type(fault), fault.reason) == (Unavailable, "REVISION_NOT_REACHED")


def _scope(row: shop_pb2.Shop) -> str:
    return "/".join(row.name.split("/")[:2])


def test_a_revision_of_another_company_service_or_making_is_refused(shop: Running) -> None:
    (mine, token), (theirs, other) = opened(shop), opened(shop)
    foreign, own = renamed(shop, theirs.name, other, "Two"), renamed(shop, mine.name, token, "Two")
    for revision in (foreign, f"company.{own.partition('.')[2]}", own[:-3], "shop.", "", "17"):
        fault = refused(shop, mine.name, token, revision)
        assert (type(fault), [v.field for v in fault.violations]) == (Invalid, ["min_revision"])


def test_a_revision_tells_nothing_of_how_much_others_write(shop: Running) -> None:
    row, token = opened(shop)
    first, second = renamed(shop, row.name, token, "Two"), renamed(shop, row.name, token, "Three")
    assert first.split(".")[0] == second.split(".")[0] == "shop"
    assert not first.rpartition(".")[2].isdigit()
    assert first != second


def test_a_revision_from_before_a_restore_says_so(shop: Running) -> None:
    row, token = opened(shop)
    revision = renamed(shop, row.name, token, "Two")
    with shop.database.administrator() as connection:
        connection.execute("update change_feed set epoch = epoch || 'restored'")
    # A restore ends every process.
    log = shop.service.tables.log
    restarted = Revisions("shop", log, shop.resources.database)
    scope = Scope(company=row.name.split("/")[1], read_only=True)
    with pytest.raises(Precondition) as fault, shop.resources.database.open(scope) as session:
        restarted.require(session, revision, 1)
    assert fault.value.reason == "REVISION_LOST"

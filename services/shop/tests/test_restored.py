"""A database that was restored elsewhere goes on with its log, and whoever watched it begins anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from comptoir.changes.v1 import feed_pb2
from comptoir.shop.v1 import shop_pb2
from services.chassis.db.migrate import migrate
from services.chassis.errors import Unavailable
from services.chassis.names import new_id
from services.chassis.testing.feeding import Feeding
from services.chassis.testing.running import Running
from services.shop.service import SHOP


@pytest.fixture
def shop(run_service: Callable[..., Running]) -> Running:
    return run_service(SHOP)


def opened(shop: Running) -> str:
    request = shop_pb2.CreateShopRequest(
        parent=f"companies/{new_id()}", shop=shop_pb2.Shop(display_name="One")
    )
    return shop.call("ShopService/CreateShop", request, shop_pb2.Shop, service="bootstrap").name


def bring_up_to_date(shop: Running) -> None:
    migrate(shop.database.urls["owner"], SHOP.versions, SHOP.metadata)


def state(shop: Running) -> Any:
    with shop.database.administrator() as connection:
        return connection.execute("select epoch, token_key, cluster, floor from change_feed").fetchone()


def restore_elsewhere(shop: Running) -> None:
    """Where transactions are numbered lower than the log remembers, and the cluster is another."""
    with shop.database.administrator() as connection:
        connection.execute("update change_feed set cluster = '1/1'")
        connection.execute("update changes set position = '9000000000', transaction = '9000000000'")
        connection.execute("alter table change_heads disable trigger change_heads_grow")
        connection.execute("update change_heads set position = '9000000000'")
        connection.execute("alter table change_heads enable trigger change_heads_grow")


def test_a_database_that_stayed_where_it_was_keeps_its_epoch(shop: Running) -> None:
    before = state(shop)
    bring_up_to_date(shop)
    bring_up_to_date(shop)

    assert before == state(shop)


def test_a_restored_log_is_not_told_until_it_was_brought_up_to_date(
    shop: Running, feed_of: Callable[..., Feeding]
) -> None:
    opened(shop)
    restore_elsewhere(shop)
    with pytest.raises(Unavailable) as refused:
        next(feed_of(shop).watch())

    assert refused.value.reason == "FEED_RESTORED"


def test_after_a_restore_watchers_begin_anew_and_miss_nothing(
    shop: Running, feed_of: Callable[..., Feeding]
) -> None:
    before = opened(shop)
    stream = feed_of(shop).watch()
    cursor = next(told.cursor for told in stream if told.HasField("snapshot_end"))
    restore_elsewhere(shop)
    bring_up_to_date(shop)

    stream = feed_of(shop).watch(cursor)
    assert next(stream).resync.reason == feed_pb2.RESYNC_REASON_RESTORED
    assert next(stream).resource.name == before
    after = opened(shop)
    assert next(told.change.resource for told in stream if told.HasField("change")) == after

"""Writes to shops, and what their watchers are told."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from comptoir.changes.v1 import feed_pb2
from comptoir.shop.v1 import shop_pb2
from services.chassis.testing.running import Running

Told = feed_pb2.WatchChangesResponse


def opened(shop: Running, company: str, label: str = "Boutique") -> shop_pb2.Shop:
    request = shop_pb2.CreateShopRequest(
        parent=f"companies/{company}", shop=shop_pb2.Shop(display_name=label)
    )
    return shop.call("ShopService/CreateShop", request, shop_pb2.Shop, service="bootstrap")


def renamed(shop: Running, row: shop_pb2.Shop, label: str) -> None:
    company = row.name.split("/")[1]
    request = shop_pb2.UpdateShopRequest(shop=shop_pb2.Shop(name=row.name, display_name=label))
    request.update_mask.paths.append("display_name")
    shop.call("ShopService/UpdateShop", request, shop_pb2.Shop, token=shop.mint.token(company=company))


def events(stream: Iterator[Told], kind: str) -> Iterator[Told]:
    return (told for told in stream if told.WhichOneof("event") == kind)


def start(stream: Iterator[Told]) -> tuple[dict[str, feed_pb2.Resource], str]:
    """The snapshot, and the cursor behind it."""
    resources: dict[str, feed_pb2.Resource] = {}
    for told in stream:
        if told.HasField("snapshot_end"):
            return resources, told.cursor
        resources[told.resource.name] = told.resource
    raise AssertionError("the stream ended within the snapshot")


def numbers(stream: Iterator[Told], scope: str, count: int) -> list[int]:
    changes = (told.change for told in events(stream, "change"))
    return list(islice((change.sequence for change in changes if change.scope == scope), count))
